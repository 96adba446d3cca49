"""Speaks with the plug-in xenferry-pool in dom0 of this agent's host, the pool's coordinator."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hostagent.model.errors import MoveRefused
from hostagent.model.finding import Finding, Reason, passed, refused
from hostagent.model.pools import PoolOperation, PoolOutcome
from hostagent.model.records import HostRecord
from hostagent.operations import look
from hostagent.operations.agent import Agent
from hostagent.xapi import pools
from hostagent.xapi.errors import XapiRefused

_OUTCOMES = {"done": PoolOutcome.DONE, "failed": PoolOutcome.FAILED}
_UNKNOWN = "XENFERRY_UNKNOWN_OPERATION"
_CREDENTIALS = "SESSION_AUTHENTICATION_FAILED"
_REMEDIES: Mapping[str, str] = {
    "XENAPI_MISSING_PLUGIN": "install deploy/dom0 in dom0 of the coordinator: docs/operations.md",
    "XENFERRY_BUSY": "wait until the other change of this pool has ended",
    "XENFERRY_UNREACHABLE": "see that the coordinator's dom0 reaches the host's XAPI",
    "XENFERRY_WRONG_HOST": "see which host has that address, and correct it in XAPI",
    _CREDENTIALS: "write the root password of both hosts into /etc/xenferry/pool.json in dom0",
}


async def call(agent: Agent, function: str, given: Mapping[str, str]) -> PoolOperation:
    """Return how far the plug-in says the operation is; raises MoveRefused or XapiError."""
    host = look.own_host(agent)
    refuse_member(agent, host)
    try:
        answer = json.loads(await pools.call_plugin(agent.client, host.ref, function, given))
    except XapiRefused as refusal:
        if refusal.error[0] == _UNKNOWN:
            return PoolOperation(given["operation_id"], outcome=PoolOutcome.UNKNOWN)
        raise MoveRefused(finding(f"host/{host.name}", refusal.error)) from refusal
    return _operation(answer)


async def credentials(agent: Agent, host_id: str, name: str, address: str) -> Finding:
    """Tell whether the plug-in is there and could log in at a host; raises XapiError."""
    here = look.own_host(agent)
    given = {"host_id": host_id, "address": address}
    try:
        await pools.call_plugin(agent.client, here.ref, "check", given)
    except XapiRefused as refusal:
        return finding(f"host/{name}", refusal.error)
    text = f"dom0 of {here.name} may log in at {name} ({address})"
    return passed(Reason.POOL_CREDENTIALS_REFUSED, f"host/{name}", text, address=address)


def finding(subject: str, error: Sequence[str]) -> Finding:
    """Return an error array of the plug-in, or of XAPI by way of it, as a finding."""
    code = error[0] if error else ""
    reason = Reason.POOL_OPERATION_FAILED
    if code.startswith("XENAPI_") or code == "UNKNOWN_XENAPI_PLUGIN_FUNCTION":
        reason = Reason.POOL_PLUGIN_UNUSABLE
    elif code == _CREDENTIALS:
        reason = Reason.POOL_CREDENTIALS_REFUSED
    remedy = _REMEDIES.get(code, "see to what XAPI says, then ask again")
    told = refused(reason, subject, f"the pool can't be changed: {' '.join(error)}", remedy)
    return Finding(
        told.reason, told.severity, subject, told.message, remedy, tuple(error), told.measured
    )


def _operation(answer: Mapping[str, Any]) -> PoolOperation:
    found = []
    if answer.get("error"):
        found.append(finding(f"host/{answer['host_id']}", answer["error"]))
    if answer.get("agent") == "failed":
        found.append(_agent_down(answer))
    return PoolOperation(
        operation_id=answer["operation_id"],
        phase=answer["phase"],
        outcome=_OUTCOMES.get(answer["outcome"]),
        agent_state=answer["agent"],
        errors=tuple(found),
        notes=tuple(answer["notes"]),
    )


def _agent_down(answer: Mapping[str, Any]) -> Finding:
    error = tuple(answer.get("agent_error", ()))
    text = f"agent VM {answer['agent_vm']} was shut down and could not be started again"
    told = refused(
        Reason.AGENT_NOT_RESTARTED,
        f"host/{answer['host_id']}",
        f"{text}: {' '.join(error)}",
        "it is tried again; start it by hand if that does not help (xe vm-start)",
    )
    return Finding(told.reason, told.severity, told.subject, told.message, told.remedy, error)


def refuse_member(agent: Agent, host: HostRecord) -> None:
    """Raise MoveRefused unless the host coordinates its pool."""
    if look.coordinates(agent.mirror, host):
        return
    text = f"{host.name} is not its pool's coordinator"
    remedy = "ask the agent of the coordinator"
    raise MoveRefused(refused(Reason.NOT_COORDINATOR, f"host/{host.name}", text, remedy))

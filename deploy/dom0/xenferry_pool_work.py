"""The work of the plug-in xenferry-pool: look at what is true, do what is missing."""

import socket

import XenAPI
from xenferry_pool_state import Refused, secrets
from xenferry_pool_xapi import (
    AWAY,
    LOCAL_URL,
    at,
    by_uuid,
    is_member,
    is_serving,
    until,
    url_of,
)

CALL_S = 300.0


def stop_agent(record, xapi):
    """Shut the agent VM down cleanly; it is noted before, for whoever carries on.

    One that is down already has to run afterwards as well.
    """
    agent = by_uuid(xapi.VM, record.agent_vm) if record.agent_vm else None
    if agent is None:
        return
    record.write(agent="stopped")
    if xapi.VM.get_power_state(agent) == "Halted":
        return
    record.enter("stopping_agent", "shutting agent VM %s down" % record.agent_vm)
    xapi.VM.clean_shutdown(agent)


def start_agent(record):
    """Start the agent VM wherever its host's XAPI is now.

    A host that joined by another hand, be it under another coordinator, may be without its agent.
    """
    joined = record.kind == "join" and record.outcome == "done" and record.agent == "untouched"
    if record.agent not in ("stopped", "failed") and not (joined and record.agent_vm):
        return
    record.enter("starting_agent", "starting agent VM %s" % record.agent_vm)
    url = until("the XAPI that knows the agent VM", lambda: home_of(record))
    until("the agent VM", lambda: started(record, LOCAL_URL if url == "pool" else url))
    record.write(agent="running")


def home_of(record):
    """Return "pool" if the host is a member here, else the address of its own XAPI."""
    if is_member(record.host_id):
        return "pool"
    with at(url_of(record.address)):
        return url_of(record.address)


def started(record, url):
    """Start the agent VM on its host; tell whether it runs."""
    with at(url) as xapi:
        agent = xapi.VM.get_by_uuid(record.agent_vm)
        if xapi.VM.get_power_state(agent) == "Running":
            return True
        host = xapi.host.get_by_uuid(record.host_id)
        xapi.VM.start_on(agent, host, False, False)
        return True


def join(record):
    """Make the host a member."""
    if until("this pool's XAPI", lambda: [is_member(record.host_id)])[0]:
        record.enter("joined", "host %s is a member" % record.host_id)
    else:
        with at(url_of(record.address)) as joiner:
            if by_uuid(joiner.host, record.host_id) is None:
                raise Refused("XENFERRY_WRONG_HOST", record.address, record.host_id)
            stop_agent(record, joiner)
            call_join(record, joiner)
    record.enter("waiting_xapi", "waiting for host %s to serve" % record.host_id)
    until("the new member", lambda: is_serving(record.host_id))


def call_join(record, joiner):
    """Call pool.join; a lost answer is no failure, since the joining XAPI restarts."""
    with at(LOCAL_URL) as pool:
        here = pool.pool.get_master(pool.pool.get_all()[0])
        address = pool.host.get_address(here)
    known = secrets()
    force = record.force == "true"
    name = "join_force" if force else "join"
    record.enter("joining", "calling pool.%s at %s" % (name, record.address))
    call = joiner.pool.join_force if force else joiner.pool.join
    try:
        call(address, known["user"], known["password"])
    except AWAY as away:
        record.enter("joining", "no answer to pool.%s: %s" % (name, away))


def leave(record):
    """Eject the host, which wipes it, and its agent VM with it."""
    if until("this pool's XAPI", lambda: [is_member(record.host_id)])[0]:
        eject(record)


def eject(record):
    """Call pool.eject; a lost answer is no failure, since the host leaves all the same."""
    with at(LOCAL_URL) as pool:
        host = pool.host.get_by_uuid(record.host_id)
        stop_agent(record, pool)
        record.enter("ejecting", "calling pool.eject")
        try:
            pool.pool.eject(host)
        except AWAY as away:
            record.enter("ejecting", "no answer to pool.eject: %s" % away)
    until("the host to leave", lambda: not is_member(record.host_id))


def look_again(record):
    """Raise Refused unless the host is where the operation wants it, whatever was refused."""
    there = until("this pool's XAPI", lambda: [is_member(record.host_id)])[0]
    if there is not (record.kind == "join"):
        raise Refused("XENFERRY_NOT_DONE", record.host_id)
    note = "refused, and yet done: %s" % " ".join(record.error)
    record.write(error=[], notes=record.notes + [note])


def attempt(act, record):
    """Return the error array of an act, an empty one where it was done."""
    try:
        act(record)
    except Refused as refused:
        return refused.error
    except XenAPI.Failure as failure:
        return [str(part) for part in failure.details]
    except (IOError, OSError, ValueError, KeyError) + AWAY as broken:
        return ["XENFERRY_FAILED", str(broken)]
    return []


def work(record):
    """Carry an operation to its end, and start the agent VM again in every outcome."""
    socket.setdefaulttimeout(CALL_S)
    if not record.outcome:
        record.write(error=attempt({"join": join, "leave": leave}[record.kind], record))
        undone = record.error and attempt(look_again, record)
        record.write(outcome="failed" if undone else "done")
    if record.kind == "leave" and record.outcome == "done":
        record.write(agent="gone")
    agent_error = attempt(start_agent, record)
    if agent_error:
        record.write(agent="failed")
    record.write(phase="ended", agent_error=agent_error)

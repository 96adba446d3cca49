"""The simulator's control endpoint: which domains really run, and faults to order."""

import contextlib
import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

CALL_S = 10.0
MOVES = ("VM.pool_migrate", "VM.migrate_send")


class ControlRefused(Exception):
    """The simulator did not take what was asked of it."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A guest as a hypervisor runs it, whatever any database says."""

    vm_uuid: str
    host_uuid: str
    state: str


def living_domains(control: str) -> list[Domain]:
    """Return the domains that run, of every host."""
    listed = _ask(control, "GET", "/sim/domains")["domains"]
    return [
        Domain(one["vm_uuid"], one["host_uuid"], one["state"]) for one in listed if one["alive"]
    ]


def arm(control: str, **fault: Any) -> str:
    """Order a fault and return its id."""
    return str(_ask(control, "POST", "/sim/faults", fault)["faults"][0]["id"])


def lift(control: str, fault_id: str) -> None:
    """End one fault; one that has ended by itself is no matter."""
    with contextlib.suppress(ControlRefused):
        _ask(control, "DELETE", f"/sim/faults/{fault_id}")


def lift_all(control: str) -> None:
    """End all faults; held migrations go on."""
    _ask(control, "DELETE", "/sim/faults")


def calls_since(control: str, number: int = 0) -> list[dict[str, Any]]:
    """Return the XAPI calls that the simulator answered after a number."""
    found: list[dict[str, Any]] = _ask(control, "GET", f"/sim/trace?since={number}")["calls"]
    return found


def moves_from_now(control: str) -> Callable[[], int]:
    """Return what counts how often XAPI was asked to move something after this."""
    seen = max((call["number"] for call in calls_since(control)), default=0)

    def count() -> int:
        return sum(call["method"].endswith(MOVES) for call in calls_since(control, seen))

    return count


def _ask(control: str, method: str, path: str, body: Any = None) -> Any:
    connection = http.client.HTTPConnection(urlsplit(control).netloc, timeout=CALL_S)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        document = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise ControlRefused(f"{method} {path}: {document}")
    return document

"""Many checks at once: a row an instance, a column a destination."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from ferryctl import screen, units, words
from ferryctl.views import findings
from xenferry.controller.v1 import scheduler_pb2


def grid(
    cells: Sequence[scheduler_pb2.CheckCell],
    instances: Mapping[str, str],
    hosts: Mapping[str, str],
) -> Table:
    """Return what would be accepted, and for the rest the reasons against it."""
    dests = list(dict.fromkeys(cell.dest_host_id for cell in cells))
    table = screen.table(
        "instance", *(hosts.get(dest, dest) for dest in dests), fixed=("instance",)
    )
    rows: dict[str, dict[str, str]] = {}
    for cell in cells:
        rows.setdefault(cell.instance_id, {})[cell.dest_host_id] = _told(cell)
    for instance_id, told in rows.items():
        name = instances.get(instance_id, instance_id)
        table.add_row(name, *(told.get(dest, "") for dest in dests))
    return table


def estimate(cell: scheduler_pb2.CheckCell) -> str:
    """Return how long it would take; empty where that can't be told."""
    if not cell.HasField("estimate"):
        return ""
    cost = cell.estimate
    took = units.interval(cost.duration_p50, cost.duration_p90)
    pause = units.duration(cost.downtime.ToMilliseconds() / 1000)
    return f"{units.size(cost.total_bytes)} to send, {took}, a pause of about {pause}"


def _told(cell: scheduler_pb2.CheckCell) -> str:
    if not cell.possible:
        objections = findings.objections(cell.findings)
        reasons = dict.fromkeys(words.reason(finding.reason) for finding in objections)
        return "\n".join(reasons) or "no"
    if not cell.HasField("estimate"):
        return f"yes, {words.kind(cell.kind)}"
    took = units.interval(cell.estimate.duration_p50, cell.estimate.duration_p90)
    return f"yes, {words.kind(cell.kind)}\n{took}"

"""Asks XAPI whether a VM could move with its disks, and whether it is marked as one that can't."""

from collections.abc import Mapping
from dataclasses import dataclass

from hostagent.xapi.client import Client
from hostagent.xapi.errors import XapiGone


@dataclass(frozen=True, slots=True)
class Mobility:
    """What XAPI found out of a VM when it started."""

    immobile: bool = False
    nested: bool = False


async def of(client: Client, metrics: str) -> Mobility:
    """Return whether XAPI marks the VM as one that can't move; `metrics` is its VM_metrics."""
    if not metrics:
        return Mobility()
    try:
        raw = await client.read("VM_metrics.get_record", metrics)
    except XapiGone:
        return Mobility()
    return Mobility(bool(raw.get("nomigrate", False)), bool(raw.get("nested_virt", False)))


async def assert_can_migrate(
    client: Client, vm: str, host: str, coordinator: str, disks: Mapping[str, str]
) -> None:
    """Ask XAPI whether the VM could go to a host of its own pool with its disks, SR by disk.

    XAPI wants what host.migrate_receive returns. Inside a pool it looks at the host in it alone, so
    our own session stands in: none is made, and none is left. Raises XapiRefused.
    """

    def ask() -> None:
        session = client.login.current().session
        services = f"http://{coordinator}/services"
        token = {
            "SM": f"{services}/SM?session_id={session}",
            "host": host,
            "xenops": f"{services}/xenops?session_id={session}",
            "session_id": session,
            "master": f"http://{coordinator}",
        }
        client.read_now("VM.assert_can_migrate", vm, token, True, dict(disks), {}, {})

    await client.run(ask)

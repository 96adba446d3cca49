"""Describes the raw volumes of a guest to its destination in another pool, secrets included.

The description goes to the controller and from there to the destination; it is written nowhere.
"""

from collections.abc import Mapping

from hostagent.model.records import HostRecord, SrRecord, VdiRecord, VmRecord
from hostagent.model.volumes import Volume, VolumeDisk
from hostagent.operations import attachments
from hostagent.operations.agent import Agent
from hostagent.operations.volumes import kinds
from hostagent.xapi import secrets, storage


async def describe(agent: Agent, vm: VmRecord, host: HostRecord) -> tuple[Volume, ...]:
    """Return each raw volume of the guest as this host reaches it; raises XapiError."""
    raw = [sr for sr in attachments.repositories(agent, vm) if kinds.is_raw(sr.type)]
    if not raw:
        return ()
    own = {pbd.sr: pbd.device_config for pbd in await storage.pbds_of(agent.client, host.ref)}
    found = await storage.drives(agent.client, vm.vbds)
    return tuple(
        [
            await _volume(agent, sr, own[sr.ref], [disk for _, disk in found if disk.sr == sr.ref])
            for sr in raw
            if sr.ref in own
        ]
    )


async def _volume(
    agent: Agent, sr: SrRecord, config: Mapping[str, str], disks: list[VdiRecord]
) -> Volume:
    named = {key: value for key, value in config.items() if key.endswith(secrets.SUFFIX)}
    return Volume(
        sr_id=sr.uuid,
        name=sr.name,
        type=sr.type,
        content_type=sr.content_type,
        sm_config=sr.sm_config,
        device_config={key: value for key, value in config.items() if key not in named},
        secrets={key: await secrets.value(agent.client, uuid) for key, uuid in named.items()},
        disks=tuple(_disk(disk) for disk in disks),
    )


def _disk(disk: VdiRecord) -> VolumeDisk:
    return VolumeDisk(
        vdi_id=disk.uuid,
        name=disk.name,
        location=disk.location,
        sm_config=disk.sm_config,
        sharable=disk.sharable,
        read_only=disk.read_only,
    )

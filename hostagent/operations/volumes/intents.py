"""What is going to be made here for a migration, as the book says before it is made.

SR.introduce takes no other_config and PBD.create drops it (xapi 26.17), so neither bears a mark
from the start. What the book says is going to be made, and was not there, is the migration's.
"""

from collections.abc import Sequence

from hostagent.model.records import HostRecord, SrRecord
from hostagent.model.volumes import Volume
from hostagent.operations.agent import Agent
from hostagent.xapi import storage


def repository(sr_id: str) -> str:
    """Name the record of a repository."""
    return f"sr/{sr_id}"


def joint(sr_id: str) -> str:
    """Name this host's PBD of a repository."""
    return f"pbd/{sr_id}"


def disk(vdi_id: str) -> str:
    """Name the record of a disk on a repository that is known."""
    return f"vdi/{vdi_id}"


async def of(
    agent: Agent, host: HostRecord, near: Sequence[SrRecord], far: Sequence[Volume]
) -> frozenset[str]:
    """Return what is missing for volumes of this pool and of another one; raises XapiError."""
    if not near and not far:
        return frozenset()
    joined = {pbd.sr for pbd in await storage.pbds_of(agent.client, host.ref)}
    missing = {joint(sr.uuid) for sr in near if sr.ref not in joined}
    for volume in far:
        known = await storage.sr_by_uuid(agent.client, volume.sr_id)
        if known is None:
            missing |= {repository(volume.sr_id), joint(volume.sr_id)}
            continue
        if known.ref not in joined:
            missing.add(joint(volume.sr_id))
        missing |= {
            disk(one.vdi_id)
            for one in volume.disks
            if not await storage.knows_disk(agent.client, one.vdi_id)
        }
    return frozenset(missing)


def settled(made: frozenset[str], far: Sequence[Volume]) -> frozenset[str]:
    """Return it without the disks of repositories that are made: they go with these."""
    own = [volume for volume in far if repository(volume.sr_id) in made]
    return made - {disk(one.vdi_id) for volume in own for one in volume.disks}

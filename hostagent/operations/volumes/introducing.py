"""Makes a raw volume of another pool known to this one, with the uuids that it has there.

XAPI leaves a disk where it is whose repository and disk have the same uuids at the destination
(xapi 26.17, relax-xsm-sr-check, on by default).
"""

from collections.abc import Mapping
from dataclasses import replace

from hostagent.model.move import Fence
from hostagent.model.records import SrRecord
from hostagent.model.volumes import Volume
from hostagent.operations import marks
from hostagent.operations.agent import Agent
from hostagent.operations.volumes import intents
from hostagent.xapi import marking, storage

LEASE = "xenferry:lease"
INTRODUCED = "introduced"


async def record(agent: Agent, volume: Volume, fence: Fence, *, made: bool) -> SrRecord:
    """Return the repository's record; one that is `made` for the migration is leased to it."""
    sr = await storage.sr_by_uuid(agent.client, volume.sr_id)
    if sr is None:
        sr = await storage.sr(agent.client, await storage.introduce(agent.client, volume))
    if not made or marks.fence_of(sr.other_config) is not None:
        return sr
    lease = {LEASE: INTRODUCED, **marks.of(fence)}
    stale = [key for key in lease if key in sr.other_config]
    await marking.mark(agent.client, "SR", sr.ref, lease, stale)
    return replace(sr, other_config={**sr.other_config, **lease})


async def disks(
    agent: Agent, sr: SrRecord, volume: Volume, fence: Fence, intended: frozenset[str]
) -> None:
    """Introduce what the scan did not find of the guest's disks; raises XapiError.

    On a repository that was known before, a rollback forgets them: so they are `intended`, and bear
    a lease. On any other they go with it.
    """
    for disk in volume.disks:
        if not await storage.knows_disk(agent.client, disk.vdi_id):
            leased = intents.disk(disk.vdi_id) in intended
            lease = {LEASE: INTRODUCED, **marks.of(fence)} if leased else {}
            await storage.introduce_disk(agent.client, sr.ref, disk, lease)


def introduced(other_config: Mapping[str, str], fence: Fence) -> bool:
    """Tell whether a record was made for a migration of what was there before."""
    return other_config.get(LEASE) == INTRODUCED and marks.bears(other_config, fence)

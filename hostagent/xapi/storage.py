"""Verbs on storage repositories, how hosts are joined to them, and disks."""

from collections.abc import Iterable, Mapping

from hostagent.model.records import PbdRecord, SrRecord, VbdRecord, VdiRecord, VifRecord
from hostagent.model.volumes import Volume, VolumeDisk
from hostagent.xapi import marking, parse, tasks
from hostagent.xapi.client import Client
from hostagent.xapi.errors import XapiGone


async def pbds_of(client: Client, host: str) -> list[PbdRecord]:
    """Return every PBD of a host as it is now."""

    def read() -> list[PbdRecord]:
        refs = client.read_now("host.get_PBDs", host)
        return [found for ref in refs if (found := _pbd(client, ref)) is not None]

    return await client.run(read)


def _pbd(client: Client, ref: str) -> PbdRecord | None:
    try:
        return parse.pbd(ref, client.read_now("PBD.get_record", ref))
    except XapiGone:
        return None


async def pbd(client: Client, ref: str) -> PbdRecord | None:
    """Return a PBD as it is now, or None."""
    return await client.run(lambda: _pbd(client, ref))


async def sr(client: Client, ref: str) -> SrRecord:
    """Return a storage repository as it is now; raises XapiGone."""
    return parse.sr(ref, await client.read("SR.get_record", ref))


async def sr_by_uuid(client: Client, uuid: str) -> SrRecord | None:
    """Return a storage repository as it is now, or None."""
    try:
        return await sr(client, str(await client.read("SR.get_by_uuid", uuid)))
    except XapiGone:
        return None


async def introduce(client: Client, volume: Volume) -> str:
    """Make a repository known that exists, for several hosts; raises XapiError."""
    words = (volume.sr_id, volume.name, "", volume.type, volume.content_type, True)
    return str(await client.change("SR.introduce", *words, dict(volume.sm_config)))


async def disks_of_sr(client: Client, ref: str) -> list[VdiRecord]:
    """Return the disks that are known of a storage repository; raises XapiGone."""

    def read() -> list[VdiRecord]:
        refs = client.read_now("SR.get_VDIs", ref)
        return [parse.vdi(one, client.read_now("VDI.get_record", one)) for one in refs]

    return await client.run(read)


async def knows_disk(client: Client, uuid: str) -> bool:
    """Tell whether XAPI has a disk of that uuid."""
    return bool(await vdi_by_uuid(client, uuid))


async def introduce_disk(
    client: Client, sr_ref: str, disk: VolumeDisk, other_config: Mapping[str, str]
) -> None:
    """Make a disk known that is on its repository; raises XapiError."""
    who = (disk.vdi_id, disk.name, "", sr_ref, "user", disk.sharable, disk.read_only)
    config, sm_config = dict(other_config), dict(disk.sm_config)
    await client.change("VDI.introduce", *who, config, disk.location, {}, sm_config)


async def vdi_by_uuid(client: Client, uuid: str) -> str:
    """Return the reference of a disk, or an empty text."""
    try:
        return str(await client.read("VDI.get_by_uuid", uuid))
    except XapiGone:
        return ""


async def forget_disk(client: Client, ref: str) -> None:
    """Remove the record of a disk; the disk stays on its repository."""
    await tasks.carry_out(client, "VDI.forget", ref)


async def pbds_of_sr(client: Client, ref: str) -> list[str]:
    """Return the references of a storage repository's PBDs; raises XapiGone."""
    return list(await client.read("SR.get_PBDs", ref))


async def vdi(client: Client, ref: str) -> VdiRecord:
    """Return a disk as it is now; raises XapiGone."""
    return parse.vdi(ref, await client.read("VDI.get_record", ref))


async def missing(client: Client, ref: str) -> bool:
    """Tell whether the last scan of its repository did not find a disk."""
    try:
        return bool(await client.read("VDI.get_missing", ref))
    except XapiGone:
        return True


async def drives(client: Client, refs: Iterable[str]) -> list[tuple[VbdRecord, VdiRecord]]:
    """Return drives that have something in them, with what it is; what is gone is left out."""

    def read() -> list[tuple[VbdRecord, VdiRecord]]:
        return [found for ref in refs if (found := _drive(client, ref)) is not None]

    return await client.run(read)


def _drive(client: Client, ref: str) -> tuple[VbdRecord, VdiRecord] | None:
    drive = _vbd(client, ref)
    if drive is None or not drive.vdi:
        return None
    try:
        return drive, parse.vdi(drive.vdi, client.read_now("VDI.get_record", drive.vdi))
    except XapiGone:
        return None


async def vbds(client: Client, refs: Iterable[str]) -> list[VbdRecord]:
    """Return drives as they are now, empty ones too; what is gone is left out."""

    def read() -> list[VbdRecord]:
        return [found for ref in refs if (found := _vbd(client, ref)) is not None]

    return await client.run(read)


def _vbd(client: Client, ref: str) -> VbdRecord | None:
    try:
        return parse.vbd(ref, client.read_now("VBD.get_record", ref))
    except XapiGone:
        return None


async def insert(client: Client, vbd: str, vdi: str) -> None:
    """Put a CD into an empty drive; raises XapiError."""
    await tasks.carry_out(client, "VBD.insert", vbd, vdi)


async def interfaces(client: Client, refs: Iterable[str]) -> list[VifRecord]:
    """Return interfaces as they are now; what is gone is left out."""

    def read() -> list[VifRecord]:
        return [found for ref in refs if (found := _interface(client, ref)) is not None]

    return await client.run(read)


def _interface(client: Client, ref: str) -> VifRecord | None:
    try:
        return parse.vif(ref, client.read_now("VIF.get_record", ref))
    except XapiGone:
        return None


async def join(client: Client, host: str, sr_ref: str, device_config: Mapping[str, str]) -> str:
    """Create a PBD, which bears no mark yet: XAPI drops other_config; raises XapiRefused."""
    record = {"host": host, "SR": sr_ref, "device_config": dict(device_config), "other_config": {}}
    return str(await client.change("PBD.create", record))


async def plug(client: Client, pbd: str) -> None:
    """Attach; nothing happens where it is attached. Raises XapiError."""
    await tasks.carry_out(client, "PBD.plug", pbd)


async def unplug(client: Client, pbd: str) -> None:
    """Detach; nothing happens where it is detached. Raises XapiRefused while it is in use."""
    await tasks.carry_out(client, "PBD.unplug", pbd)


async def part(client: Client, pbd: str) -> None:
    """Destroy a PBD that is detached."""
    await client.change("PBD.destroy", pbd)


async def share(client: Client, sr_ref: str, *, shared: bool) -> None:
    """Let several hosts attach a storage repository, or one alone."""
    await client.change("SR.set_shared", sr_ref, shared)


async def scan(client: Client, sr_ref: str) -> None:
    """Have a storage repository looked at; raises XapiRefused with what its driver says."""
    await tasks.carry_out(client, "SR.scan", sr_ref)


async def forget(client: Client, sr_ref: str) -> None:
    """Remove the records of a storage repository; what is on it stays."""
    await tasks.carry_out(client, "SR.forget", sr_ref)


async def destroy_disk(client: Client, ref: str) -> None:
    """Destroy a disk for good."""
    await tasks.carry_out(client, "VDI.destroy", ref)


async def unmark_sm(client: Client, ref: str, keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Remove keys of the storage driver from a disk; return XAPI's error for each."""
    return await marking.unmark(client, "VDI", ref, keys, marking.SM_CONFIG)


async def destroy_network(client: Client, ref: str) -> None:
    """Remove a network that nothing is on."""
    await client.change("network.destroy", ref)


async def replug(client: Client, vif: str) -> None:
    """Take an interface out of the guest and put it in again."""

    def repair() -> None:
        if client.read_now("VIF.get_currently_attached", vif):
            client.change_now("VIF.unplug", vif)
        client.change_now("VIF.plug", vif)

    await client.run(repair)

"""Which SR of this host takes the disks of a block migration: the setting sr_matching_filter."""

from dataclasses import dataclass

from hostagent.model import sr_filter
from hostagent.model.finding import Finding, Reason, passed, refused
from hostagent.model.records import HostRecord, SrRecord
from hostagent.operations import look
from hostagent.operations.checks import disks
from hostagent.operations.words import listed, mib
from hostagent.xapi.mirror import Mirror


@dataclass(frozen=True, slots=True)
class Choice:
    """The SR, or None and why."""

    sr: SrRecord | None
    finding: Finding


def choose(mirror: Mirror, host: HostRecord, setting: str) -> Choice:
    """Of those that the filter names and that can take disks here, the one with most room."""
    meant = sr_filter.parse(setting)
    named = _named(mirror, meant)
    fit = [sr for sr in named if not _against(mirror, host, sr)]
    if fit:
        return _chosen(host, setting, max(fit, key=lambda sr: (sr.size - sr.used, sr.uuid)), fit)
    why = [f"{sr.name} {_against(mirror, host, sr)}" for sr in named]
    text = listed(why) or _nothing(meant)
    remedy = "plug an SR that the filter names at this host, or set migration.sr_matching_filter"
    subject = f"host/{host.name}"
    figures = {"sr_matching_filter": setting, "candidates": len(named)}
    message = f"no SR of {host.name} takes the disks: {text}"
    return Choice(None, refused(Reason.DEST_SR_UNUSABLE, subject, message, remedy, **figures))


def _named(mirror: Mirror, meant: sr_filter.SrFilter) -> list[SrRecord]:
    if meant.default:
        default = mirror.srs.get(look.pool(mirror).default_sr)
        return [default] if default else []
    return [sr for sr in mirror.srs.values() if meant.matches(sr.other_config)]


def _against(mirror: Mirror, host: HostRecord, sr: SrRecord) -> str:
    attached = {pbd.sr for pbd in mirror.pbds.values() if pbd.host == host.ref and pbd.attached}
    offered = disks.features(mirror, sr.type)
    if sr.ref not in attached:
        return f"is not attached at {host.name}"
    if sr.content_type == "iso" or sr.type == "iso":
        return "is for CDs"
    if offered and not offered >= disks.SENDS:
        return f"is of type {sr.type}, whose driver can't take part in a block migration"
    return ""


def _nothing(meant: sr_filter.SrFilter) -> str:
    if meant.default:
        return "the pool has no default SR"
    return f"none has {meant.key}={meant.value} in its other_config"


def _chosen(host: HostRecord, setting: str, sr: SrRecord, fit: list[SrRecord]) -> Choice:
    free = max(0, sr.size - max(0, sr.used))
    text = f"{sr.name} of {host.name} takes the disks: {mib(free)} free, by {setting}"
    figures = {"sr_id": sr.uuid, "free_bytes": free, "candidates": len(fit)}
    return Choice(sr, passed(Reason.DEST_SR_UNUSABLE, f"sr/{sr.name}", text, **figures))

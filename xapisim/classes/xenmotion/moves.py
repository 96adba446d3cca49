"""Which disks go where: the caller's map, completed by XAPI's rules for what it leaves out."""

from dataclasses import dataclass

from xapisim.classes.pool import Pool
from xapisim.classes.xenmotion import wish
from xapisim.classes.xenmotion.tickets import Destination
from xapisim.classes.xenmotion.wish import Wish
from xapisim.errors import XapiError
from xapisim.values import NULL, Value


@dataclass(frozen=True, slots=True)
class Move:
    """A disk and its new SR. `mirrored` disks may be written to while they move; one that `stays`
    is on an SR of the same uuid at the destination.
    """

    vdi: str
    sr: str
    stays: bool
    mirrored: bool
    size: int
    taken: str
    """When it was taken, if it is a snapshot."""


def plan(pool: Pool, asked: Wish, destination: Destination) -> list[Move]:
    """The smallest first; what stays on its SR inside the pool is not copied."""
    leaves = wish.disks(pool, asked.vm)
    found = [_move(pool, vdi, asked.srs[vdi], destination) for vdi in leaves]
    for snapshot in wish.family(pool, asked.vm)[1:]:
        for vdi in wish.disks(pool, snapshot):
            sr = _sr_of_snapshot(pool, asked, vdi, destination)
            found.append(_move(pool, vdi, sr, destination))
    image = pool.database.read("VM", asked.vm, "suspend_VDI")
    if pool.database.has("VDI", image):
        sr = asked.srs.get(image) or _sr_of_images(image, destination)
        found.append(_move(pool, image, sr, destination))
    return sorted(found, key=lambda move: (move.size, move.taken))


def _move(pool: Pool, vdi: str, sr: str, destination: Destination) -> Move:
    fields = pool.database.row("VDI", vdi).fields
    still = fields["is_a_snapshot"] or fields["read_only"] or fields["type"] == "suspend"
    return Move(
        vdi=vdi,
        sr=sr,
        stays=same_sr(pool, fields["SR"], destination.engine.pool, sr),
        mirrored=not still,
        size=fields["virtual_size"],
        taken=fields["snapshot_time"],
    )


def same_sr(pool: Pool, home: str, far: Pool, sr: str) -> bool:
    """A disk on an SR that the other pool has with the same uuid is not copied (xapi 26.17,
    relax-xsm-sr-check).
    """
    return bool(pool.database.read("SR", home, "uuid") == far.database.read("SR", sr, "uuid"))


def _sr_of_snapshot(pool: Pool, asked: Wish, vdi: str, destination: Destination) -> str:
    """A snapshot's disk goes with the disk it was taken of, else to the default SR."""
    leaf = pool.database.read("VDI", vdi, "snapshot_of")
    named = asked.srs.get(vdi) or asked.srs.get(leaf)
    return named or _known(destination.engine.pool, vdi, "default_SR")


def _sr_of_images(vdi: str, destination: Destination) -> str:
    far = destination.engine.pool
    own = far.database.read("host", destination.host, "suspend_image_sr")
    of_pool: Value = far.database.read("pool", far.ref, "suspend_image_SR")
    for sr in (of_pool, own):
        if far.database.has("SR", sr):
            return str(sr)
    return _known(far, vdi, "default_SR")


def _known(far: Pool, vdi: str, field: str) -> str:
    sr: str = far.database.read("pool", far.ref, field)
    if sr == NULL or not far.database.has("SR", sr):
        raise XapiError("VDI_NOT_IN_MAP", vdi)
    return sr

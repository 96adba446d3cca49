"""The disks of a migration, copied one after another: made at the destination, filled, and, if it
comes to that, taken away again.
"""

from xapisim.classes import storage_rules, vdi_calls
from xapisim.classes.engine import Engine
from xapisim.classes.migration.holds import wait_while_held
from xapisim.classes.xenmotion.moves import Move
from xapisim.classes.xenmotion.sends import Send
from xapisim.classes.xenmotion.tickets import Destination
from xapisim.errors import CancelledByUserError, XapiError, internal
from xapisim.values import Value

SNAPSHOT_S = 2.0
DISK_MIB_S = 114.0
"""What one mirror carries at most (120 MB/s on 10 GbE, xapi.md A16)."""
LINE_SHARE = 0.5
"""What it gets of a slower line."""
INSTANT_STEPS = 4
_STARTED = 0.05
_FILLED = 0.95
_KEPT = (
    "name_label",
    "name_description",
    "virtual_size",
    "type",
    "sharable",
    "read_only",
    "xenstore_data",
    "tags",
    "on_boot",
    "is_a_snapshot",
    "snapshot_time",
)
_MIRROR = "mirror"
_BASE = "base_mirror"


class Disks:
    """`made` is the new disk by the old one; `found` the one that the other pool has already."""

    def __init__(self, engine: Engine, send: Send, destination: Destination) -> None:
        self._engine = engine
        self._pool = engine.pool
        self._far = destination.engine.pool
        self._send = send
        self._destination = destination
        self.keep_leftovers = False
        self.made: dict[str, str] = {}
        self.found: dict[str, str] = {}

    async def copy_all(self, moves: list[Move]) -> None:
        for move in moves:
            self._attach(move.sr)
        copied = [move for move in moves if not move.stays]
        if not self._destination.local:
            self.found = {move.vdi: self._find(move) for move in moves if move.stays}
        total = sum(move.size for move in copied) or 1
        done = 0
        for move in copied:
            await self._copy(move, done / total, move.size / total)
            done += move.size
            self._report((done / total, 0.0), 0.0)
        self._link_snapshots()

    def _attach(self, sr: str) -> None:
        """The destination host has to see the SR; a PBD that is there is plugged."""
        db = self._far.database
        for pbd in db.read("SR", sr, "PBDs"):
            if db.read("PBD", pbd, "host") == self._destination.host:
                if not db.read("PBD", pbd, "currently_attached"):
                    db.update("PBD", pbd, currently_attached=True)
                    storage_rules.refresh_sr(self._far, sr)
                return
        raise XapiError("SR_NOT_ATTACHED", sr)

    def _find(self, move: Move) -> str:
        """The same disk in the other pool."""
        uuid = self._pool.database.read("VDI", move.vdi, "uuid")
        vdi = self._far.database.tables["VDI"].by_uuid.get(uuid, "")
        if vdi and self._far.database.read("VDI", vdi, "SR") == move.sr:
            return vdi
        raise internal('Failure("SR UUID matches on destination but VDI does not exist")')

    async def _copy(self, move: Move, start: float, share: float) -> None:
        span = (start, share)
        new = self._make(move)
        snapshot = self._begin_mirror(move.vdi) if move.mirrored else ""
        try:
            await self._take(SNAPSHOT_S)
            await self._fill(move, span)
        finally:
            if snapshot:
                self._end_mirror(move.vdi, snapshot)
            self._measure(move)
        config = self._far.database.read("VDI", new, "sm_config")
        left = {key: value for key, value in config.items() if key != _BASE}
        self._far.database.update("VDI", new, sm_config=left)

    def _measure(self, move: Move) -> None:
        """Both SRs are scanned in the end, whatever it is (recorded on xapi 26.17)."""
        storage_rules.measure(self._far, move.sr)
        if self._pool.database.has("VDI", move.vdi):
            home = self._pool.database.read("VDI", move.vdi, "SR")
            storage_rules.measure(self._pool, home)

    def _make(self, move: Move) -> str:
        fields = self._pool.database.row("VDI", move.vdi).fields
        sr = self._pool.database.read("SR", fields["SR"], "uuid")
        kept: dict[str, Value] = {name: fields[name] for name in _KEPT}
        other = fields["other_config"]
        if self._destination.local:
            other = {key: value for key, value in other.items() if key == "config-drive"}
        marks = {"other_config": other, "sm_config": {_BASE: f"{sr}/{fields['uuid']}"}}
        new = storage_rules.add_vdi(self._far, {**kept, **marks, "SR": move.sr})
        self.made[move.vdi] = new
        return new

    def _begin_mirror(self, vdi: str) -> str:
        """The source is snapshot, the snapshot copied, and writes go to both disks meanwhile."""
        snapshot = vdi_calls.take_snapshot(self._pool, vdi)
        fields = self._pool.database.row("VDI", vdi).fields
        mirror = {_MIRROR: f"nbd:mirror_{fields['uuid']}"}
        content = {"content_id": self._pool.ids.fresh_uuid()}
        self._pool.database.update(
            "VDI",
            vdi,
            sm_config={**fields["sm_config"], **mirror},
            other_config=content | fields["other_config"],
        )
        return snapshot

    def _end_mirror(self, vdi: str, snapshot: str) -> None:
        db = self._pool.database
        if db.has("VDI", snapshot):
            storage_rules.drop_vdi(self._pool, snapshot)
        if db.has("VDI", vdi):
            config = db.read("VDI", vdi, "sm_config")
            left = {key: value for key, value in config.items() if key != _MIRROR}
            db.update("VDI", vdi, sm_config=left)

    async def _fill(self, move: Move, span: tuple[float, float]) -> None:
        """Reports and looks for faults at every tick."""
        left_mib = total_mib = max(1.0, move.size / 2**20)
        with self._engine.links.stream(self._send.source):
            while left_mib > 0:
                self._break_if_asked(move, 1 - left_mib / total_mib)
                await self._hold()
                step_mib = total_mib / INSTANT_STEPS
                step_s = 0.0
                if not self._pool.clock.instant:
                    step_s = min(self._pool.clock.tick_s, left_mib / self._rate())
                    step_mib = step_s * self._rate()
                await self._take(step_s)
                left_mib -= step_mib
                self._report(span, min(1.0, 1 - left_mib / total_mib))
        self._break_if_asked(move, 1.0)

    def _rate(self) -> float:
        share = self._engine.links.rate_mib_s(self._send.source)
        return min(DISK_MIB_S, share * LINE_SHARE)

    def _report(self, span: tuple[float, float], fraction: float) -> None:
        start, share = span
        within = _STARTED + (_FILLED - _STARTED) * fraction if share else 0.0
        self._engine.tasks.write(self._send.task, progress=start + share * within)

    def _break_if_asked(self, move: Move, progress: float) -> None:
        faults, names = self._pool.faults, self._send.names
        fault = faults.for_mirror(names, progress)
        if fault is None and progress > 0:
            fault = faults.for_migration("fail_migration", _MIRROR, names)
        if fault is not None:
            self.keep_leftovers = fault.leftovers
            if fault.error:
                raise XapiError(*fault.error)
            self._engine.tasks.note(self._send.task, "mirror_failed", move.vdi)
            raise XapiError("MIRROR_FAILED", move.vdi)

    async def _hold(self) -> None:
        await wait_while_held(self._pool.faults, _MIRROR, self._send.names, self._send.cancelled)
        self._check_cancelled()

    async def _take(self, simulated_s: float) -> None:
        await self._pool.clock.sleep(simulated_s)
        self._check_cancelled()

    def _check_cancelled(self) -> None:
        if self._send.cancelled.is_set():
            raise CancelledByUserError(self._send.task)

    def _link_snapshots(self) -> None:
        for old, new in self.made.items():
            leaf = self._pool.database.read("VDI", old, "snapshot_of")
            if leaf in self.made:
                self._far.database.update("VDI", new, snapshot_of=self.made[leaf])

    def undo(self) -> None:
        """Best effort, as XAPI's: a fault can leave what was made."""
        for new in self.made.values():
            if not self.keep_leftovers and self._far.database.has("VDI", new):
                storage_rules.drop_vdi(self._far, new)

"""One fault: its name, where it strikes and what it does; checked when it comes in, so that it can
be trusted later.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from xapisim.values import Value

PHASES = ("check", "prepare", "sync1", "precopy", "suspend", "sync2", "sync3", "sync4", "complete")
"""What a live migration goes through, in order."""
DISK_PHASES = ("mirror", "disks_copied", "imported")
"""What Storage XenMotion goes through before the memory: each disk, all disks, the record at the
destination pool.
"""
ENDS = (
    "source_running",
    "halted",
    "dest_running",
    "suspended",
    "duplicated",
    "dest_unrecorded",
)
PLANES = ("management", "migration", "client")
"""Between two toolstacks, between two hypervisors, between clients and a host."""
MOMENTS = ("at_once", "at_end")


class FaultError(Exception):
    """A fault that makes no sense: the place and what was expected there."""


@dataclass(slots=True)
class Fault:
    """An armed fault; `seen` counts the calls that matched it."""

    fault: str
    id: str = ""
    method: str = ""
    nth: int = 0
    host: str = ""
    vm: str = ""
    phase: str = ""
    sr: str = ""
    text: str = ""
    at_progress: float = 0.0
    leftovers: bool = False
    seconds: float = 0.0
    error: tuple[str, ...] = ()
    end: str = "source_running"
    when: str = "at_end"
    plane: str = ""
    other: str = ""
    originator: str = ""
    name: str = ""
    vdi: str = ""
    seen: int = 0

    def as_json(self) -> dict[str, Value]:
        keys = {"id", "fault", "seen"} | _KEYS[self.fault].keys()
        return {key: getattr(self, key) for key in sorted(keys)}


_Check = Callable[[Value], bool]


@dataclass(frozen=True, slots=True)
class _Key:
    expected: str
    fits: _Check
    required: bool = False


def _text(required: bool = False) -> _Key:
    return _Key("a text", lambda value: isinstance(value, str) and value != "", required)


def _one_of(words: tuple[str, ...], required: bool = False) -> _Key:
    return _Key(f"one of {', '.join(words)}", lambda value: value in words, required)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_error(value: Value) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(word, str) for word in value)


_NTH = _Key("a whole number from 1", lambda value: isinstance(value, int) and value >= 1)
_SECONDS = _Key("a number of seconds", _is_number, required=True)
_ERROR = _Key("a list of texts, the error code first", _is_error)
_PHASE = _one_of(PHASES + DISK_PHASES, required=True)
_FRACTION = _Key("a number from 0 to 1", lambda value: _is_number(value) and value <= 1)
_YES_NO = _Key("true or false", lambda value: isinstance(value, bool))
_HOST = {"host": _text(required=True)}
_GUEST = {"vm": _text(required=True), "phase": _one_of(PHASES, required=True), "nth": _NTH}
_CALL = {"method": _text(required=True), "nth": _NTH, "host": _text()}

_KEYS: dict[str, dict[str, _Key]] = {
    "drop_reply": _CALL,
    "drop_call": _CALL,
    "delay": {**_CALL, "seconds": _SECONDS},
    "error": {**_CALL, "error": _Key(_ERROR.expected, _is_error, required=True)},
    "fail_migration": {
        "phase": _PHASE,
        "vm": _text(),
        "nth": _NTH,
        "error": _ERROR,
        "end": _one_of(ENDS),
    },
    "hold": {"phase": _PHASE, "vm": _text()},
    "mirror_fail": {
        "vm": _text(),
        "at_progress": _FRACTION,
        "error": _ERROR,
        "leftovers": _YES_NO,
    },
    "sr_full": {"sr": _text(required=True), "nth": _NTH},
    "drop_task_row": {"vm": _text(), "when": _one_of(MOMENTS), "nth": _NTH},
    "slow_copy": {"host": _text(required=True), "seconds": _SECONDS},
    "fail_save": {"host": _text(required=True), "text": _text(required=True)},
    "cpu_follows_host": {},
    "early_cancel_wins": {},
    "vlans_lost": {},
    "host_offline": _HOST,
    "host_death": _HOST,
    "restart_toolstack": _HOST,
    "coordinator_failover": _HOST,
    "partition": {**_HOST, "plane": _one_of(PLANES, required=True), "other": _text()},
    "hang": _HOST,
    "slow_answers": {**_HOST, "seconds": _SECONDS},
    "drop_connections": _HOST,
    "session_evict": {"originator": _text()},
    "stale_database": _HOST,
    "guest_reboot": _GUEST,
    "guest_shutdown": _GUEST,
    "guest_crash": _GUEST,
    "duplicate_vm": {**_HOST, "vm": _text(required=True)},
    "ghost_operation": {**_HOST, "vm": _text(required=True)},
    "lost_vdi": {"vdi": _text(required=True)},
    "orphan_vdi": {"sr": _text(required=True), "name": _text()},
}
NAMES = tuple(_KEYS)


def parse(value: Value, place: str) -> Fault:
    """A checked fault; FaultError says where and what was expected."""
    if not isinstance(value, Mapping):
        raise FaultError(f"{place}: an object expected, got {value!r}")
    name = value.get("fault")
    if name not in _KEYS:
        raise FaultError(f"{place}.fault: one of {', '.join(_KEYS)} expected, got {name!r}")
    keys = _KEYS[name]
    for key, given in value.items():
        if key == "fault":
            continue
        if key not in keys:
            raise FaultError(f"{place}.{key}: unknown key; {name} takes {', '.join(keys)}")
        if not keys[key].fits(given):
            raise FaultError(f"{place}.{key}: {keys[key].expected} expected, got {given!r}")
    for key, rule in keys.items():
        if rule.required and key not in value:
            raise FaultError(f"{place}.{key}: {rule.expected} expected, nothing given")
    fields: dict[str, Value] = {k: tuple(x) if k == "error" else x for k, x in value.items()}
    return Fault(**fields)


def parse_list(value: Value, place: str = "fault") -> list[Fault]:
    if not isinstance(value, list):
        raise FaultError(f"{place}: a list of faults expected, got {value!r}")
    return [parse(item, f"{place}[{number}]") for number, item in enumerate(value)]

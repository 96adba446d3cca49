"""What happens in a round and when: a function of the seed and the number of the round alone."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deploy.faults.ground import HOSTS
from deploy.faults.snare import Fate, Moment

ROUND_S = 12.0
PROGRAMS = ("controller", *HOSTS)
GUESTS = {
    **{f"shared-{n}": ("n1", "n2") for n in range(1, 5)},
    **{f"local-{n}": ("n1", "n2", "f1") for n in range(1, 4)},
    **{f"roaming-{n}": ("n2", "f1") for n in range(1, 4)},
}
PHASES = ("prepare", "precopy", "suspend", "sync2", "complete")
XAPI_CALLS = (
    "VM.add_to_other_config",
    "VM.remove_from_other_config",
    "host.add_to_other_config",
    "host.remove_from_other_config",
    "Async.VM.pool_migrate",
    "Async.VM.migrate_send",
    "host.migrate_receive",
    "task.cancel",
    "VDI.destroy",
    "event.from",
)
AGENT_CALLS = (
    "VerifyExports",
    "PreLiveMigration",
    "LiveMigration",
    "ObserveMigration",
    "AbortMigration",
    "PostAtSource",
    "PostAtDestination",
    "RollbackAtSource",
    "RollbackAtDestination",
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that is done at a second of the round, and undone after `lasts_s`."""

    at_s: float
    act: str
    keys: Mapping[str, str | int | float]
    lasts_s: float = 0.0

    def __str__(self) -> str:
        keys = " ".join(f"{key}={value}" for key, value in self.keys.items())
        lasting = f" for {self.lasts_s:.2f} s" if self.lasts_s else ""
        return f"{self.at_s:6.2f} {self.act} {keys}{lasting}"


def of_round(seed: int, number: int) -> list[Event]:
    """Return the events of a round in the order of their time."""
    dice = random.Random(f"{seed}/{number}")
    events = [_move(dice) for _ in range(dice.randint(6, 14))]
    events += [_cancel(dice) for _ in range(dice.randint(0, 3))]
    deadly = dice.random() < DEADLY
    kinds = [*FAULTS, _host_death] if deadly else FAULTS
    events += [dice.choice(kinds)(dice) for _ in range(dice.randint(2, 9))]
    return sorted(events, key=lambda event: event.at_s)


def _when(dice: random.Random) -> float:
    return dice.uniform(0, ROUND_S)


def _move(dice: random.Random) -> Event:
    guest = dice.choice(list(GUESTS))
    return Event(_when(dice), "migrate", {"guest": guest, "dest": dice.choice(GUESTS[guest])})


def _cancel(dice: random.Random) -> Event:
    return Event(_when(dice), "cancel", {"guest": dice.choice(list(GUESTS))})


def _kill(dice: random.Random) -> Event:
    return Event(_when(dice), "kill", {"program": dice.choice(PROGRAMS)}, dice.uniform(0, 2))


def _freeze(dice: random.Random) -> Event:
    return Event(_when(dice), "freeze", {"program": dice.choice(PROGRAMS)}, dice.uniform(0.1, 3))


def _cut(dice: random.Random) -> Event:
    return Event(_when(dice), "cut", {"host": dice.choice(HOSTS)}, dice.uniform(0.1, 3))


def _snare(dice: random.Random) -> Event:
    keys = {
        "host": dice.choice(HOSTS),
        "method": dice.choice(AGENT_CALLS),
        "moment": dice.choice([moment.value for moment in Moment]),
        "fate": dice.choice([fate.value for fate in Fate]),
        "nth": dice.randint(1, 3),
    }
    return Event(_when(dice), "snare", keys, dice.uniform(0, 1))


def _partition(dice: random.Random) -> Event:
    one, other = dice.sample(HOSTS, 2)
    plane = dice.choice(("management", "migration", "client"))
    keys = {"fault": "partition", "plane": plane, "host": one}
    if plane != "client":
        keys["other"] = other
    return Event(_when(dice), "fault", keys, dice.uniform(0.1, 2))


def _toolstack(dice: random.Random) -> Event:
    keys = {"fault": "restart_toolstack", "host": dice.choice(HOSTS)}
    return Event(_when(dice), "fault", keys, ROUND_S)


def _of_host(dice: random.Random) -> Event:
    name = dice.choice(("hang", "host_offline", "drop_connections", "slow_answers"))
    keys: dict[str, str | int | float] = {"fault": name, "host": dice.choice(HOSTS)}
    if name == "slow_answers":
        keys["seconds"] = round(dice.uniform(0.05, 0.5), 2)
    return Event(_when(dice), "fault", keys, dice.uniform(0.1, 2))


def _of_call(dice: random.Random) -> Event:
    name = dice.choice(("drop_reply", "drop_call", "delay", "error"))
    keys: dict[str, str | int | float] = {"fault": name, "method": dice.choice(XAPI_CALLS)}
    keys["nth"] = dice.randint(1, 3)
    if name == "delay":
        keys["seconds"] = round(dice.uniform(0.1, 4), 2)
    return Event(_when(dice), "fault", keys, dice.uniform(1, ROUND_S))


def _of_move(dice: random.Random) -> Event:
    name = dice.choice(("fail_migration", "guest_reboot", "hold"))
    keys: dict[str, str | int | float] = {"fault": name, "phase": dice.choice(PHASES)}
    keys["vm"] = dice.choice(list(GUESTS))
    if name == "fail_migration":
        keys |= {"end": dice.choice(("source_running", "dest_running")), "nth": 1}
    return Event(_when(dice), "fault", keys, dice.uniform(0.5, 3))


def _task_row(dice: random.Random) -> Event:
    when = dice.choice(("at_once", "at_end"))
    keys = {"fault": "drop_task_row", "vm": dice.choice(list(GUESTS)), "when": when}
    return Event(_when(dice), "fault", keys, dice.uniform(1, ROUND_S))


def _host_death(dice: random.Random) -> Event:
    keys = {"fault": "host_death", "host": dice.choice(HOSTS)}
    return Event(_when(dice), "fault", keys, dice.uniform(0.2, 2))


DEADLY = 0.15
FAULTS: list[Callable[[random.Random], Event]] = [
    _kill,
    _kill,
    _freeze,
    _cut,
    _snare,
    _snare,
    _partition,
    _toolstack,
    _of_host,
    _of_call,
    _of_call,
    _of_move,
    _task_row,
]


def is_deadly(events: list[Event]) -> bool:
    """Tell whether guests may lawfully have died in a round."""
    return any(event.keys.get("fault") == "host_death" for event in events)

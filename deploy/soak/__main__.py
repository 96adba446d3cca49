"""`python -m deploy.soak`: round after round of moves under faults, until the time is over."""

import argparse
import http.client
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import grpc
import XenAPI
from rich.console import Console

from deploy.demo import interrupts, processes
from deploy.faults import invariants
from deploy.faults.ground import Ground
from deploy.faults.grounds import Grounds
from deploy.soak import rest, schedule
from deploy.soak.acting import Actor

FAILED = 1
BROKEN = (
    TimeoutError,
    OSError,
    grpc.RpcError,
    XenAPI.Failure,
    http.client.HTTPException,
    processes.NotReady,
    subprocess.SubprocessError,
)


@dataclass(slots=True)
class Tally:
    """What a soak has done so far."""

    rounds: int = 0
    moves: int = 0
    faults: int = 0
    failed: list[int] = field(default_factory=list)


def main() -> int:
    """Return 0 when every invariant held in every round, 1 otherwise."""
    options = _options(sys.argv[1:])
    interrupts.handle()
    console = Console(markup=False, highlight=False, width=160)
    console.print(f"seed {options.seed}")
    tally, grounds = Tally(), Grounds()
    try:
        for number in _numbers(options):
            _round(options.seed, number, grounds, tally, console)
    except KeyboardInterrupt:
        console.print("ended")
    finally:
        grounds.close()
    console.print(
        f"seed {options.seed}: {tally.rounds} rounds, {tally.moves} moves, {tally.faults} faults; "
        f"{len(tally.failed)} rounds failed {tally.failed or ''}"
    )
    return FAILED if tally.failed else 0


def _numbers(options: argparse.Namespace) -> Iterable[int]:
    return [options.round] if options.round else _Until(time.monotonic() + options.minutes * 60)


class _Until:
    """Counts up from 1 for as long as there is time."""

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._next = 0

    def __iter__(self) -> "_Until":
        return self

    def __next__(self) -> int:
        if time.monotonic() > self._deadline_s:
            raise StopIteration
        self._next += 1
        return self._next


def _round(seed: int, number: int, grounds: Grounds, tally: Tally, console: Console) -> None:
    events = schedule.of_round(seed, number)
    began = time.monotonic()
    tally.rounds += 1
    tally.faults += sum(event.act not in ("migrate", "cancel") for event in events)
    problems = _played(grounds, events, tally)
    told = f"round {number}: {len(events)} events, {time.monotonic() - began:.0f} s"
    console.print(told, style="red" if problems else None)
    if not problems:
        return
    tally.failed.append(number)
    for line in (*problems, *map(str, events)):
        console.print(f"    {line}")
    console.print(f"    logs: {grounds.spoilt()}")
    console.print(f"    again: ./scripts/soak --seed {seed} --round {number}")


def _played(grounds: Grounds, events: list[schedule.Event], tally: Tally) -> list[str]:
    seen: list[str] = []
    try:
        ground = grounds.lend()
        actor = Actor(ground, lambda: seen.extend(_new_double(ground, seen)))
        actor.play(events)
        seen += rest.problems(ground, actor, deadly=schedule.is_deadly(events))
        tally.moves += actor.accepted
    except BROKEN as error:
        seen.append(f"it broke: {type(error).__name__}: {error}")
    return seen


def _new_double(ground: Ground, seen: Sequence[str]) -> list[str]:
    return [double for double in invariants.doubled(ground) if double not in seen]


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="begin no round after so long")
    parser.add_argument("--seed", type=int, default=1, help="decides everything that happens")
    parser.add_argument("--round", type=int, default=0, help="this round alone")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())

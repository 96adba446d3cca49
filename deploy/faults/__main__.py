"""`python -m deploy.faults`: runs cells of the matrix and writes docs/faults-matrix.md."""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence

import grpc
from rich.console import Console

from deploy.demo import interrupts, processes
from deploy.faults import cells, record, trial
from deploy.faults.cells import Cell
from deploy.faults.grounds import Grounds
from deploy.faults.trial import Result

FAILED = 1


def main() -> int:
    """Return 0 when every cell that ran passed, 1 otherwise."""
    options = _options(sys.argv[1:])
    interrupts.handle()
    console = Console(markup=False, highlight=False, width=160)
    everything = cells.every()
    chosen = _chosen(everything, options)
    if options.list:
        for cell in chosen:
            console.print(cell.name)
        return 0
    try:
        failed = _run(chosen, console, options.minutes)
    except KeyboardInterrupt:
        console.print("ended; --continue goes on from here")
        return 130
    finally:
        if not options.cell:
            record.write_page(everything, record.read())
    return FAILED if failed else 0


def _run(chosen: Sequence[Cell], console: Console, minutes: float) -> int:
    grounds, failed, deadline = Grounds(), 0, time.monotonic() + minutes * 60
    try:
        for number, cell in enumerate(chosen, 1):
            if time.monotonic() > deadline:
                console.print(f"{minutes:g} minutes are over; --continue goes on from here")
                break
            result = _try(grounds, cell)
            record.add(result)
            failed += bool(result.problems)
            told = f"{number}/{len(chosen)} {cell.name} {result.state} {result.seconds:.1f} s"
            console.print(told, style="red" if result.problems else None)
            for problem in result.problems:
                console.print(f"    {problem}", style="red")
            if result.problems:
                console.print(f"    again: ./scripts/faults --cell {cell.name}")
                console.print(f"    logs: {grounds.spoilt()}")
    finally:
        grounds.close()
    return failed


def _try(grounds: Grounds, cell: Cell) -> Result:
    try:
        return trial.run(grounds.lend(), cell)
    except (TimeoutError, grpc.RpcError, processes.NotReady, subprocess.SubprocessError) as error:
        return Result(cell.name, 0.0, "BROKE", (f"{type(error).__name__}: {error}",))


def _chosen(everything: Sequence[Cell], options: argparse.Namespace) -> list[Cell]:
    known = record.read() if options.go_on or options.failed else {}
    passed = {name for name, result in known.items() if not result.problems}
    chosen = [cell for cell in everything if _fits(cell, options)]
    if options.failed:
        chosen = [cell for cell in chosen if cell.name in known and cell.name not in passed]
    elif options.go_on:
        chosen = [cell for cell in chosen if cell.name not in known]
    return chosen[:: options.every]


def _fits(cell: Cell, options: argparse.Namespace) -> bool:
    wanted = (
        (options.kind, cell.way.name),
        (options.path, cell.path),
        (options.moment, cell.stop.text),
        (options.fault, cell.fault),
    )
    if options.cell:
        return bool(cell.name == options.cell)
    return all(not part or part in word for part, word in wanted)


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("faults", description=__doc__)
    parser.add_argument("--kind", default="", help="shared, block (in one pool), cross")
    parser.add_argument("--path", default="", help="succeeds, fails, cancelled")
    parser.add_argument("--moment", default="", help="part of a moment: move-midway, post_at")
    parser.add_argument("--fault", default="", help="part of a fault's name: agent-kill, xapi")
    parser.add_argument("--cell", default="", help="exactly this one, as a failure prints it")
    parser.add_argument("--every", type=int, default=1, help="every nth of those")
    parser.add_argument("--continue", dest="go_on", action="store_true", help="those not run yet")
    parser.add_argument("--failed", action="store_true", help="those that did not pass")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin none after so long")
    parser.add_argument("--list", action="store_true", help="name them and run none")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())

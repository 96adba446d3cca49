"""What is known of each cell: a line of JSON a result, and the page that is made of them."""

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from deploy.demo.stack import ROOT
from deploy.faults.cells import Cell
from deploy.faults.trial import Result

PAGE = ROOT / "docs" / "faults-matrix.md"
RESULTS = ROOT / "build" / "faults.jsonl"


def read(file: Path = RESULTS) -> dict[str, Result]:
    """Return the newest result of each cell."""
    if not file.is_file():
        return {}
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    results = [Result(**{**line, "problems": tuple(line["problems"])}) for line in lines]
    return {result.cell: result for result in results}


def add(result: Result, file: Path = RESULTS) -> None:
    """Keep a result."""
    file.parent.mkdir(exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(result)) + "\n")


def write_page(cells: Sequence[Cell], results: Mapping[str, Result], page: Path = PAGE) -> None:
    """Write the page anew."""
    page.write_text("\n".join(_page(cells, results)) + "\n", "utf-8")


def _page(cells: Sequence[Cell], results: Mapping[str, Result]) -> Iterable[str]:
    ran = [results[cell.name] for cell in cells if cell.name in results]
    passed = [result for result in ran if not result.problems]
    seconds = sum(result.seconds for result in ran)
    yield from HEAD
    yield (
        f"**{len(cells)} cells, {len(ran)} run, {len(passed)} passed**, in {seconds:.0f} s "
        f"on {os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()})."
    )
    for way in dict.fromkeys(cell.way.name for cell in cells):
        for path in dict.fromkeys(cell.path for cell in cells):
            yield from _table([c for c in cells if (c.way.name, c.path) == (way, path)], results)
    failed = [result for result in ran if result.problems]
    if failed:
        yield from ("", "## Not passed", "")
    for result in failed:
        yield f"- `{result.cell}`: {'; '.join(result.problems)}"


def _table(cells: Sequence[Cell], results: Mapping[str, Result]) -> Iterable[str]:
    faults = list(dict.fromkeys(cell.fault for cell in cells))
    yield from ("", f"## {cells[0].way.name}, {cells[0].path}", "")
    yield f"| moment | {' | '.join(faults)} |"
    yield f"|---|{'---|' * len(faults)}"
    for stop in dict.fromkeys(cell.stop for cell in cells):
        of_stop = [cell for cell in cells if cell.stop == stop]
        words = [_word([c for c in of_stop if c.fault == fault], results) for fault in faults]
        yield f"| {stop.text} | {' | '.join(words)} |"


def _word(cells: Sequence[Cell], results: Mapping[str, Result]) -> str:
    ran = [results[cell.name] for cell in cells if cell.name in results]
    if not cells:
        return ""
    if not ran:
        return "."
    failed = sum(bool(result.problems) for result in ran)
    ends = {result.state for result in ran}
    return "**no**" if failed else ", ".join(sorted(WORDS.get(end, end) for end in ends))


WORDS = {"SUCCEEDED": "S", "ROLLED_BACK": "R", "CANCELLED": "C"}
HEAD = (
    "# The fault matrix",
    "",
    "Written by `./scripts/faults` (docs/operations.md, Rehearse): every fault at every moment of",
    "every kind of move, with real processes: a simulator of two pools, three agents, a",
    "controller, and a relay between them that keeps the call of the moment while the fault",
    "strikes. Then what died is started again, and hypervisors, XAPI's records and the controller",
    "must agree: no guest doubled or lost, its host as XAPI has it, nothing reserved, nothing",
    "left, nothing open.",
    "",
    "*arriving* is after the journal says STARTED and before the agent hears of it; *answered* is",
    "after the agent has done it and before the journal says so; *midway* is while XAPI moves.",
    "`prepare_dest.2` is the ticket that a block migration fetches right before it moves. Faults",
    "of XAPI strike in both directions. S succeeded, R rolled back, C cancelled: every end that is",
    "true passes. A dot was not run.",
    "",
)

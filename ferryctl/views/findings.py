"""Findings: a mark, the reason, what was measured, what to do, and XAPI's own words."""

import json
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ferryctl import screen, words
from xenferry.common.v1 import finding_pb2
from xenferry.controller.v1 import scheduler_pb2

_MARKS = {
    finding_pb2.SEVERITY_OK: ("ok", "green"),
    finding_pb2.SEVERITY_WARNING: ("warning", "yellow"),
    finding_pb2.SEVERITY_ERROR: ("error", "red"),
}


def listed(findings: Sequence[finding_pb2.Finding]) -> RenderableType:
    """Return every finding, the gravest first, and below what XAPI said, word for word."""
    said = [_xapis_words(finding) for finding in findings if finding.xapi_error]
    return Group(_table(sorted(findings, key=lambda finding: -finding.severity)), *said)


def objections(findings: Sequence[finding_pb2.Finding]) -> list[finding_pb2.Finding]:
    """Return the findings that are no mere passes."""
    return [finding for finding in findings if finding.severity != finding_pb2.SEVERITY_OK]


def _table(findings: Iterable[finding_pb2.Finding]) -> Table:
    grid = screen.table("", "reason", "measured", "remedy", fixed=("",))
    for finding in findings:
        mark, style = _MARKS.get(finding.severity, ("?", ""))
        reason = "" if _passed(finding) else words.reason(finding.reason)
        grid.add_row(Text(mark, style=style), reason, _measured(finding), finding.remedy)
    return grid


def cell(check: scheduler_pb2.CheckCell, instance: str, dest: str) -> RenderableType:
    """Return whether one instance could move to one host, and why."""
    if check.possible:
        headline = Text(f"{instance} can move to {dest} ({words.kind(check.kind)})", "bold green")
    else:
        headline = Text(f"{instance} can't move to {dest}", "bold red")
    return Group(headline, listed(check.findings))


def _passed(finding: finding_pb2.Finding) -> bool:
    return finding.severity == finding_pb2.SEVERITY_OK


def _measured(finding: finding_pb2.Finding) -> str:
    """Return the message, with its subject where the message does not name it."""
    name = finding.subject.partition("/")[2]
    return finding.message if name in finding.message else f"{finding.subject}: {finding.message}"


def _xapis_words(finding: finding_pb2.Finding) -> Text:
    words_of_xapi = json.dumps(list(finding.xapi_error))
    return Text(f"XAPI on {words.reason(finding.reason)}: {words_of_xapi}", "dim")

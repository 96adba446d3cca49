"""A failed call as the operator reads it: every finding or violation, and XAPI's own words."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from google.rpc import error_details_pb2

from chassis import answers
from ferryctl import documents, exits, problems, screen
from ferryctl.views import findings
from xenferry.common.v1 import finding_pb2

VALIDATE = "--validate-only"


def tell_answer(answer: answers.Answer, line: Sequence[str] = ()) -> None:
    """Write a failed call to stderr, for people; `line` are the words of the command."""
    label = answer.reason or answer.code.name
    found = answer.find(finding_pb2.Findings)
    if found is not None and found.findings:
        # The message repeats the findings in one line; the table is easier on the eye.
        objections = findings.objections(found.findings)
        screen.remark(f"{label}: refused, {_counted(len(objections), 'finding')}", "bold red")
        whole = VALIDATE in line
        screen.err().print(findings.listed(found.findings if whole else objections))
        passed = len(found.findings) - len(objections)
        if passed and not whole:
            screen.remark(f"{_counted(passed, 'check')} passed; {_showing(line)} shows all", "dim")
        return
    screen.remark(f"{label}: {answer.message}", "bold red")
    for violation in _violations(answer):
        subject, description = violation["subject"], violation["description"]
        if answer.message not in (description, f"{subject} {description}"):
            screen.remark(f"  {subject}: {description}")
    raw = answer.metadata.get("xapi_error")
    if raw:
        screen.remark(f"  XAPI: {raw}")


def _showing(line: Sequence[str]) -> str:
    """Return what shows the checks that passed, too."""
    if "aggregate" not in line:
        return "`ferryctl check`"
    return f"`{VALIDATE}`" if {"add-host", "remove-host"} & set(line) else "`--output json`"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def tell_problem(problem: problems.Problem) -> None:
    """Write a problem of ferryctl's own to stderr, for people."""
    screen.remark(str(problem), "bold red")


def write_answer(answer: answers.Answer) -> None:
    """Write a failed call to stderr as one JSON document."""
    found = answer.find(finding_pb2.Findings)
    _write(
        {
            "status": answer.code.name,
            "exit_code": exits.of_status(answer.code),
            "reason": answer.reason,
            "message": answer.message,
            "metadata": dict(sorted(answer.metadata.items())),
            "violations": list(_violations(answer)),
            "findings": [documents.plain(one) for one in found.findings] if found else [],
        }
    )


def write_problem(problem: problems.Problem) -> None:
    """Write a problem of ferryctl's own to stderr as one JSON document."""
    _write({"exit_code": problem.exit_code, "reason": problem.reason, "message": str(problem)})


def _violations(answer: answers.Answer) -> Iterable[dict[str, str]]:
    bad = answer.find(error_details_pb2.BadRequest)
    for wrong in bad.field_violations if bad else ():
        yield {"subject": wrong.field, "description": wrong.description, "reason": wrong.reason}
    failure = answer.find(error_details_pb2.PreconditionFailure)
    for unmet in failure.violations if failure else ():
        yield {"subject": unmet.subject, "description": unmet.description, "reason": unmet.type}
    quota = answer.find(error_details_pb2.QuotaFailure)
    for short in quota.violations if quota else ():
        yield {"subject": short.subject, "description": short.description, "reason": ""}


def _write(document: dict[str, Any]) -> None:
    sys.stderr.write(json.dumps({"error": document}, indent=2) + "\n")

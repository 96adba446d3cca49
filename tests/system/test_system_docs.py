"""What the pages tell an operator to type is typed, in order, and does what they say."""

import json
import subprocess
from collections.abc import Iterator

import pytest
import structlog

from deploy.demo import processes
from hostagent.doctor import program as doctor
from tests.support import pages
from tests.support.operator import Operator
from tests.support.stack import Stack, differences

LOCAL = "127.0.0.1:7700"
PAGES = ("docs/walkthrough.md", "README.md", "docs/operations.md", "docs/howto/aggregates.md")
STREAMS = ("/WatchMigrations", "/WatchAggregates")
SETTINGS = "/etc/xenferry/hostagent.toml"


@pytest.fixture
def operator(stack: Stack, capfd: pytest.CaptureFixture[str]) -> Iterator[Operator]:
    """Yield somebody who reads the pages at the demo's pool, which they are written for."""
    yield Operator(stack, capfd)
    structlog.reset_defaults()  # the doctor sets it up for a process of its own


def meant(word: str, operator: Operator) -> str:
    """Return what a reader types for a word of a page."""
    if word == "MIGRATION":
        [newest] = json.loads(operator.does("list", "--limit", "1", "-o", "json"))
        return str(newest["migration_id"])
    if "UUID" in word:
        instances = json.loads(operator.does("instances", "-o", "json"))
        uuid = {one["facts"]["name"]: one["facts"]["instance_id"] for one in instances}
        return word.replace("UUID", uuid["db-1"])
    if word == SETTINGS:
        return str(operator.stack.directory / "agent-xs1.toml")
    return word.replace(LOCAL, operator.stack.address)


def shown(operator: Operator, words: list[str]) -> str:
    """Type a command, which must go well, and return what it shows."""
    if words[0] == "ferryctl":
        return operator.does(*words[1:])
    if words[0] == "xenferry-hostagent":
        assert words[1] == "doctor"
        assert doctor.main(words[2:]) == 0
        return operator.capture.readouterr().out
    command = [processes.program(words[0]), *words[1:]]
    if words[-1].endswith(STREAMS):
        return first_line(command)
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def first_line(command: list[str]) -> str:
    """Return how a stream begins that never ends."""
    with processes.running(command, stdout=subprocess.PIPE) as watch:
        assert watch.stdout is not None
        line = watch.stdout.readline()
    assert line.startswith("{")
    return line


def test_every_command_of_the_pages_does_what_they_say(operator: Operator) -> None:
    for page in PAGES:
        for command in pages.fenced(pages.ROOT / page):
            words = [meant(word, operator) for word in command.words]
            output = shown(operator, words)
            said = f"{page}: {' '.join(words)}\n{output}"
            assert not command.printed.strip() or pages.agrees(command.printed, output), said
        assert differences(operator.stack) == []
        operator.types("migrate", "web-1", "--to", "xs1", "--watch")  # where each page begins


def test_no_page_has_commands_that_nobody_types() -> None:
    have = {str(page.relative_to(pages.ROOT)) for page in pages.pages() if pages.fenced(page)}

    assert have == set(PAGES)


def test_an_output_that_differs_from_the_page_is_noticed() -> None:
    printed = "web-1 runs on xs2 now (2.8 s)\n…\nid  5d0c1b3e-7a52-4d0f-9c55-000000000012"

    assert pages.agrees(
        printed, "web-1 runs on xs2 now (11 s)\na\nb\nid 5d0c1b3e-0000-4d0f-9c55-000000000012"
    )
    assert not pages.agrees(printed, "web-1 stays on xs1\nid 5d0c1b3e-0000-4d0f-9c55-000000000012")

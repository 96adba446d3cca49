"""What the documentation says is what the code has."""

import re
from pathlib import Path

import pytest
import typer.core
import typer.main

from ferryctl import main
from tests.support import pages
from xenferry.common.v1 import reason_pb2

ROOT = Path(__file__).parents[2]
REASONS = [name.removeprefix("REASON_") for name in reason_pb2.Reason.keys()[1:]]


def section(page: str, title: str) -> str:
    """Return the text below a heading of the second level."""
    return (ROOT / page).read_text().split(f"\n## {title}\n", 1)[-1].split("\n## ", 1)[0]


def product_sources() -> str:
    """Return the text of every module that could produce a reason."""
    folders = ("chassis", "controller", "hostagent")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    return "\n".join(f.read_text() for f in files if f.name not in ("findings.py", "reasons.py"))


def test_every_reason_has_a_section_that_says_what_to_do() -> None:
    page = (ROOT / "docs/errors.md").read_text()

    for name in REASONS:
        text = section("docs/errors.md", name)
        assert f"## {name}\n" in page, name
        assert all(row in text for row in ("| status |", "| means |", "| user |", "| operator |"))


def test_no_section_is_about_a_reason_that_does_not_exist() -> None:
    titles = re.findall(r"^## ([A-Z_]+)$", (ROOT / "docs/errors.md").read_text(), re.M)

    assert titles == REASONS


def test_a_reason_is_produced_somewhere_or_listed_as_reserved() -> None:
    reserved = set(re.findall(r"`([A-Z_]+)`", section("docs/errors.md", "Reserved")))
    sources = product_sources()
    produced = {name for name in REASONS if re.search(rf"(Reason\.|[\"']){name}\b", sources)}

    assert reserved | produced == set(REASONS)
    assert reserved & produced == set()


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(
        r"`((?:chassis|controller|hostagent|ferryctl|xapisim|tests|bench|deploy|docs|protos|scripts)"
        r"/[\w./-]+)`",
        page.read_text(),
    )

    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_name_that_the_walkthrough_finds_in_a_file_is_there() -> None:
    text = (ROOT / "docs/walkthrough.md").read_text()
    pairs = re.findall(r"`([\w/]+\.py): (\w+)`", text)
    files = re.findall(r"`([\w/]+\.py)(?:: \w+)?`", text)

    assert len(pairs) > 12
    assert [file for file in files if not (ROOT / file).exists()] == []
    missing = [f"{file}: {name}" for file, name in pairs if not _defines(ROOT / file, name)]
    assert missing == []


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: page.name)
def test_every_command_in_a_sentence_exists_with_its_options(page: Path) -> None:
    for words in pages.inline(page):
        if words[0] == "ferryctl":
            assert _unknown(*words[1:]) == [], " ".join(words)


def test_a_command_or_an_option_that_ferryctl_lacks_is_noticed() -> None:
    assert _unknown("aggregate", "paint") == ["paint"]
    assert _unknown("migrate", "web-1", "--to", "xs2", "--soon") == ["--soon"]
    assert _unknown("aggregate", "add-host", "rack-1", "xs2", "--validate-only") == []


def _unknown(*words: str) -> list[str]:
    """Return the words of a command line that ferryctl does not know."""
    command = typer.main.get_command(main.app)
    options = {option for param in command.params for option in param.opts}
    rest = list(words)
    while rest and isinstance(command, typer.core.TyperGroup):
        if rest[0] not in command.commands:
            return [rest[0]]
        command = command.commands[rest.pop(0)]
    for param in command.params:
        options.update(param.opts, param.secondary_opts)
    return [word for word in rest if word.startswith("-") and word not in options]


def _defines(file: Path, name: str) -> bool:
    return re.search(rf"\b(def|class) {name}\b|^{name} =", file.read_text(), re.M) is not None

"""What the documentation says is what the code has."""

import re
from pathlib import Path

import pytest

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


def _defines(file: Path, name: str) -> bool:
    return re.search(rf"\b(def|class) {name}\b|^{name} =", file.read_text(), re.M) is not None

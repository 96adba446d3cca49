"""docs/fidelity.md says what is so."""

import re
from pathlib import Path

from xapisim.dispatch import methods
from xapisim.faults import model

PAGE = (Path(__file__).parents[3] / "docs" / "fidelity.md").read_text()


def test_the_page_lists_every_call_that_is_not_modelled_and_no_other() -> None:
    listed = set()
    chapter = PAGE.split("## Calls that answer NOT_IMPLEMENTED")[1]
    for entry in re.findall(r"^- `(\w+)`: ((?:.|\n  )+)", chapter, re.MULTILINE):
        listed |= {f"{entry[0]}.{name}" for name in re.findall(r"\w+", entry[1])}

    assert listed == set(methods.unmodelled())


def test_the_page_explains_every_fault_and_phase() -> None:
    for fault in model.NAMES:
        assert f"| `{fault}` |" in PAGE
    assert ", ".join(model.PHASES) in PAGE

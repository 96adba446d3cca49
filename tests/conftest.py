"""Golden files: what operators and other programs see, kept as text; --golden writes them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

GOLDEN = Path(__file__).parent / "golden"
SYSTEM = Path(__file__).parent / "system"
# Plain tracebacks, as the programs write them: a decorated one takes half a second of the loop.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Know --golden."""
    parser.addoption("--golden", action="store_true", help="write the golden files anew")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that no worker waits at the end for the other's demo."""
    items.sort(key=lambda item: SYSTEM not in item.path.parents)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return what compares a text with the golden file of that name."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--golden"):
            file.write_text(text)
        assert text == file.read_text(), f"{file} differs; if it should, run pytest --golden"

    return compare

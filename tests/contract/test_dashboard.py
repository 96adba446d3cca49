"""The dashboard that is shipped shows figures that there are, each as its kind is to be read."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.figures import KINDS

FILE = Path(__file__).parents[2] / "deploy/grafana/xenferry.json"
BOARD: dict[str, Any] = json.loads(FILE.read_text())
ASKED = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
METRIC = re.compile(r"\b(?:xenferry|grpc_server)_\w+(?=[{\[)]|$)")


def named(expression: str) -> set[str]:
    """Return the metrics that a panel asks for; a histogram is asked for by its buckets."""
    return {name.removesuffix("_bucket") for name in METRIC.findall(expression)}


@pytest.mark.parametrize("expression", ASKED)
def test_a_panel_asks_for_metrics_that_are_served(expression: str) -> None:
    assert named(expression)
    assert named(expression) <= KINDS.keys()


@pytest.mark.parametrize("expression", ASKED)
def test_a_panel_shows_growth_of_counters_and_values_of_gauges(expression: str) -> None:
    grown = set(re.findall(r"(?:rate|increase)\((\w+?)(?:_bucket)?[{\[]", expression))

    assert grown == {name for name in named(expression) if KINDS[name] != "gauge"}


def test_every_figure_of_ours_that_fares_badly_or_well_has_a_panel() -> None:
    shown = set().union(*map(named, ASKED))
    # How much work is done, which says nothing of how it goes.
    unseen = {
        "xenferry_store_commits_total",
        "xenferry_store_statements_total",
        "xenferry_xapi_event_reconnects_total",
        "xenferry_xapi_mirror_resyncs_total",
    }

    assert {name for name in KINDS if name.startswith("xenferry_")} - shown == unseen


def test_panels_have_places_and_numbers_of_their_own() -> None:
    panels = BOARD["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
    assert all(panel["title"] and panel["targets"] for panel in panels)

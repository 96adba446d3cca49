"""The alerts that are shipped ask for figures that there are, and for nothing else."""

import re
from pathlib import Path

import pytest

from controller.model.migration import MigrationState
from tests.support.figures import KINDS

ROOT = Path(__file__).parents[2]
RULES = (ROOT / "deploy/prometheus/xenferry.rules.yml").read_text()
ALERTS = {text.split("\n", 1)[0]: text for text in RULES.split("- alert: ")[1:]}
OF_PROMETHEUS = {"up"}


def expression(alert: str) -> str:
    """Return the PromQL of an alert."""
    return re.split(r"\n +(?:for|labels):", ALERTS[alert].split("expr: ", 1)[1], maxsplit=1)[0]


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_asks_for_metrics_that_are_served(alert: str) -> None:
    asked = set(re.findall(r"\b(?:xenferry|grpc)_\w+|\bup\b", expression(alert)))

    assert asked
    assert asked <= KINDS.keys() | OF_PROMETHEUS


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_looks_at_the_growth_of_counters_and_the_value_of_gauges(alert: str) -> None:
    grown = set(re.findall(r"increase\((\w+)", expression(alert)))

    counters = {name for name in KINDS if name in expression(alert) and KINDS[name] == "counter"}
    assert grown == counters


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_how_bad_it_is_and_what_to_do(alert: str) -> None:
    text = ALERTS[alert]

    assert re.search(r"severity: (critical|warning)\n", text)
    assert len(re.findall(r"^ +(?:summary|description): \".+\"$", text, re.M)) == 2


def test_the_states_that_alerts_name_are_states_of_a_migration() -> None:
    named = set(re.findall(r'state="(\w+)"', RULES))

    assert named == {MigrationState.STUCK.value}


def test_the_runbook_names_every_alert() -> None:
    page = (ROOT / "docs/operations.md").read_text()

    assert [alert for alert in ALERTS if f"`{alert}`" not in page] == []

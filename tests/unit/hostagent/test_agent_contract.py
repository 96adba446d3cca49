"""Our names are those of the contract, and our example says all that can be set."""

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

import pytest

from chassis import settings
from chassis.settings import SettingsError
from hostagent.api import messages
from hostagent.model.checks import Kind
from hostagent.model.cleanup import Action, Item
from hostagent.model.finding import Finding, Reason, Severity
from hostagent.model.move import Outcome, Phase, Report
from hostagent.settings import Settings
from xenferry.common.v1 import reason_pb2

EXAMPLE = Path(__file__).parents[3] / "deploy" / "examples" / "hostagent.toml"


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_one_of_the_contract(reason: Reason) -> None:
    message = messages.finding_message(Finding(reason, Severity.ERROR, "host/xs1", "x"))

    assert reason_pb2.Reason.Name(message.reason) == f"REASON_{reason.name}"


def test_every_phase_outcome_kind_and_action_is_one_of_the_contract() -> None:
    for phase in Phase:
        for outcome in (None, *Outcome):
            messages.report_message(Report(phase, outcome=outcome))
    assert [messages.kind(messages.kind_message(kind)) for kind in Kind] == list(Kind)
    assert len(messages.item_messages(Item("x", action) for action in Action)) == len(Action)


def test_the_example_loads_and_says_every_key() -> None:
    text = EXAMPLE.read_text("utf-8")
    uncommented = "\n".join(
        line.removeprefix("# ") if " = " in line and line.startswith("# ") else line
        for line in text.splitlines()
        if not line.startswith("#     ")
    )
    told = {table: set(keys) for table, keys in tomllib.loads(uncommented).items()}

    assert settings.load(Settings, EXAMPLE, {}).xapi.url
    assert told == keys_of(Settings)


def keys_of(kind: type[Any]) -> dict[str, set[str]]:
    """Return the keys of each table of a settings class."""
    loaded = settings.load(kind, EXAMPLE, {})
    return {
        field.name: {one.name for one in dataclasses.fields(getattr(loaded, field.name))}
        for field in dataclasses.fields(kind)
    }


def test_the_example_shows_the_defaults() -> None:
    lines = [line.removeprefix("# ") for line in EXAMPLE.read_text("utf-8").splitlines()]
    defaults = settings.load(Settings, EXAMPLE, {}).migration

    for field in dataclasses.fields(defaults):
        value = getattr(defaults, field.name)
        shown = f'"{value}"' if isinstance(value, str) else value
        assert f"{field.name} = {shown}" in lines


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("XENFERRY_XAPI_URL", "xs1", "http://host or https://host"),
        ("XENFERRY_XAPI_URL", "http://root:secret@xs1", "must not carry credentials"),
        ("XENFERRY_XAPI_THREADS", "0", "threads must be at least 1"),
        ("XENFERRY_MIGRATION_MAX_CONCURRENT_MOVES", "0", "max_concurrent_moves"),
        ("XENFERRY_MIGRATION_POLL_S", "0", "poll_s must be positive"),
        ("XENFERRY_CONTROLLER_HEARTBEAT_S", "-1", "heartbeat_s must be positive"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(variable: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        settings.load(Settings, EXAMPLE, {variable: value})

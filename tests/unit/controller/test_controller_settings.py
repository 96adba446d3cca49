"""The example of the settings file: complete, commented, and with the defaults of the code."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from chassis import settings as loading
from controller.settings import Settings

EXAMPLE = Path(__file__).parents[3] / "deploy/examples/controller.toml"


def test_example_loads_and_has_the_defaults_of_the_code() -> None:
    assert loading.load(Settings, EXAMPLE, {}) == Settings()


def test_example_with_every_key_uncommented_says_the_same(tmp_path: Path) -> None:
    text = re.sub(r"^# (?=\w+ = )", "", EXAMPLE.read_text("utf-8"), flags=re.MULTILINE)
    for name in ("certificate_file", "key_file", "ca_file"):
        assert f"{name} = " in text
    file = tmp_path / "controller.toml"
    file.write_text(text, "utf-8")

    loaded = loading.load(Settings, file, {})

    assert dataclasses.replace(loaded, tls=Settings().tls) == Settings()


@pytest.mark.parametrize("table", [field.name for field in dataclasses.fields(Settings)])
def test_example_has_every_key(table: str) -> None:
    section: Any = getattr(Settings(), table)
    text = EXAMPLE.read_text("utf-8").split(f"\n[{table}]\n")[1].split("\n[")[0]

    keys = re.findall(r"^(?:# )?(\w+) = ", text, flags=re.MULTILINE)

    assert keys == [field.name for field in dataclasses.fields(section)]


def test_heartbeats_must_be_more_frequent_than_deaths() -> None:
    with pytest.raises(loading.SettingsError, match="below alive_after_s"):
        loading.load(
            Settings,
            None,
            {"XENFERRY_INVENTORY_HEARTBEAT_S": "20", "XENFERRY_INVENTORY_ALIVE_AFTER_S": "10"},
        )

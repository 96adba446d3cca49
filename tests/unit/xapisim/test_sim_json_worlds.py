"""Dumps of records as worlds: served as they are, refused where they are no dump."""

import json
from pathlib import Path
from typing import Any

import pytest

from xapisim.errors import WorldError
from xapisim.values import DateTime
from xapisim.world import files
from xapisim.world.model import World

DUMP = {
    "pool": {"OpaqueRef:p": {"name_label": "lab", "master": "OpaqueRef:h2"}},
    "host": {
        "OpaqueRef:h1": {"name_label": "a", "address": "10.0.0.1"},
        "OpaqueRef:h2": {"name_label": "b", "address": "10.0.0.2"},
    },
}


def read(tmp_path: Path, dump: Any) -> World:
    path = tmp_path / "world.json"
    path.write_text(dump if isinstance(dump, str) else json.dumps(dump))
    return files.read(path, 0)


def with_vm(**fields: Any) -> dict[str, Any]:
    return {**DUMP, "VM": {"OpaqueRef:v": fields}}


def test_a_dump_is_a_pool_with_its_coordinator_first(tmp_path: Path) -> None:
    world = read(tmp_path, DUMP)

    assert world.name == "lab"
    assert list(world.hosts().values()) == ["b", "a"]
    assert world.records["host"]["OpaqueRef:h1"]["address"] == "10.0.0.1"
    assert not world.follows_endpoints


def test_what_was_under_way_is_over(tmp_path: Path) -> None:
    moving = with_vm(
        current_operations={"OpaqueRef:t": "pool_migrate"},
        allowed_operations=["hard_shutdown"],
        scheduled_to_be_resident_on="OpaqueRef:h1",
    )

    vm = read(tmp_path, moving).records["VM"]["OpaqueRef:v"]

    assert vm["current_operations"] == {}
    assert vm["allowed_operations"] == []
    assert vm["scheduled_to_be_resident_on"] == "OpaqueRef:NULL"


def test_dates_are_dates_and_whole_numbers_may_stand_for_others(tmp_path: Path) -> None:
    fields = {"snapshot_time": "20261123T01:02:03Z", "HVM_shadow_multiplier": 1}

    vm = read(tmp_path, with_vm(**fields)).records["VM"]["OpaqueRef:v"]

    assert isinstance(vm["snapshot_time"], DateTime)
    assert isinstance(vm["HVM_shadow_multiplier"], float)


def test_unknown_classes_and_fields_are_left_out_and_noted(tmp_path: Path) -> None:
    world = read(tmp_path, {**with_vm(colour="red"), "Ghost": {}})

    assert "colour" not in world.records["VM"]["OpaqueRef:v"]
    assert "class Ghost is unknown and was left out" in world.notes
    assert "class VM: unknown fields were left out: colour" in world.notes


@pytest.mark.parametrize(
    ("dump", "expected"),
    [
        ("{", "world.json: JSON expected"),
        ([], "world.json: an object expected, got []"),
        ({"VM": 1}, "world.json: VM: an object expected, got 1"),
        ({"VM": {"OpaqueRef:v": 1}}, "world.json: VM OpaqueRef:v: an object expected, got 1"),
        (with_vm(VCPUs_max="2"), "world.json: VM OpaqueRef:v VCPUs_max: int expected, got '2'"),
        (with_vm(tags="x"), "world.json: VM OpaqueRef:v tags: a list expected, got 'x'"),
        (with_vm(is_a_template=0), "is_a_template: bool expected, got 0"),
        ({}, "world.json: class pool: at least one row expected"),
        ({**DUMP, "pool": {"p": {}}}, "class pool: master is no host of this world"),
    ],
)
def test_a_broken_dump_names_the_place_and_what_was_expected(
    tmp_path: Path, dump: Any, expected: str
) -> None:
    with pytest.raises(WorldError) as refused:
        read(tmp_path, dump)

    assert expected in str(refused.value)

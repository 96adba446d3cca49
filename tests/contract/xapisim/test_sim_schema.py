"""Our description of the API against its own data model, where that is at hand."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from xapisim.dispatch import methods
from xapisim.schema import roles
from xapisim.schema.load import schema
from xapisim.schema.types import Type

DATAMODEL = Path(__file__).parents[4] / "shared" / "xapi" / "xapi_datamodel.json"
needs_datamodel = pytest.mark.skipif(
    not DATAMODEL.is_file(), reason="xapi_datamodel.json is not beside this checkout"
)


@pytest.fixture(scope="module")
def datamodel() -> dict[str, Any]:
    if not DATAMODEL.is_file():
        pytest.skip("xapi_datamodel.json is not beside this checkout")
    loaded: dict[str, Any] = json.loads(DATAMODEL.read_text())
    return loaded


def as_json(declared: Type) -> Any:
    """A type in the data model's own notation."""
    if declared.kind == "batch":
        return "an event batch"
    if declared.kind == "map":
        return {"map": [as_json(declared.key_type), as_json(declared.value_type)]}
    if declared.kind in ("set", "option"):
        return {declared.kind: as_json(declared.value_type)}
    return {declared.kind: declared.name} if declared.name else declared.kind


@needs_datamodel
def test_classes_and_enumerations_are_the_data_models(datamodel: dict[str, Any]) -> None:
    described = schema()

    assert set(described.classes) == set(datamodel["classes"])
    ours = {name: list(values) for name, values in described.enums.items()}
    assert ours == {name: list(values) for name, values in datamodel["enums"].items()}


@needs_datamodel
@pytest.mark.parametrize("name", schema().classes)
def test_fields_have_the_declared_types_and_qualifiers(
    datamodel: dict[str, Any], name: str
) -> None:
    theirs = datamodel["classes"][name]["fields"]

    ours = schema().classes[name].fields

    assert {f.name: (as_json(f.type), f.qualifier) for f in ours.values()} == {
        field: (data["type"], data["qualifier"]) for field, data in theirs.items()
    }
    assert {f.name for f in ours.values() if f.has_default} == {
        field for field, data in theirs.items() if data["has_default"]
    }


@needs_datamodel
@pytest.mark.parametrize("name", schema().classes)
def test_every_declared_call_exists_with_its_parameters_and_no_other_does(
    datamodel: dict[str, Any], name: str
) -> None:
    hidden = {"get_all_where", "get_all_records_where"} | schema().classes[name].hidden
    theirs = {
        f"{name}.{message}": (
            len([p for p in data["params"] if p["name"] != "session_id"]),
            len([p for p in data["params"] if p["name"] != "session_id" and p["required"]]),
        )
        for message, data in datamodel["classes"][name]["messages"].items()
        if message not in hidden
    }

    ours = {
        method.name: (len(method.readers), method.required)
        for method in methods.table().values()
        if method.name.split(".")[0] == name and method.name.split(".")[1] not in hidden
    }

    assert ours == theirs


@needs_datamodel
def test_asynchronous_calls_are_the_data_models(datamodel: dict[str, Any]) -> None:
    theirs = {
        f"{name}.{message}"
        for name, class_ in datamodel["classes"].items()
        for message, data in class_["messages"].items()
        if data["async"]
    }

    ours = {method.name for method in methods.table().values() if method.has_async}

    assert ours == theirs


def test_every_implementation_takes_what_its_call_declares() -> None:
    for method in methods.table().values():
        if method.handler is not None:
            taken = len(inspect.signature(method.handler).parameters) - 1
            assert taken == len(method.readers), method.name


def test_both_ends_of_every_relation_are_fields() -> None:
    classes = schema().classes

    for relation in schema().relations:
        one = classes[relation.one_class].fields[relation.one_field]
        many = classes[relation.many_class].fields[relation.many_field]
        assert one.type.kind == "ref"
        assert (many.type.kind, many.type.value_type.name) == ("set", relation.one_class)


@needs_datamodel
def test_every_call_has_the_lowest_role_of_the_data_model(datamodel: dict[str, Any]) -> None:
    for name, class_ in datamodel["classes"].items():
        for message, described in class_["messages"].items():
            wanted = [role for role in roles.names() if role in described["roles"]]
            able = [role for role in roles.names() if roles.may(role, f"{name}.{message}")]
            assert able == (wanted or list(roles.names())), f"{name}.{message}"

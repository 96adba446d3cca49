"""The filter language of get_all_records_where."""

import pytest

from xapisim.database.query import compile_filter
from xapisim.database.table import Row
from xapisim.errors import XapiError
from xapisim.schema.load import schema

VM = schema().classes["VM"]
FIELDS = {field.name: field.default for field in VM.fields.values()}
ROW = Row(
    "OpaqueRef:1",
    FIELDS | {"name_label": "web-1", "power_state": "Running", "VCPUs_max": 2, "tags": ["a", "b"]},
    created=1,
    modified=1,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("false", False),
        ('field "name__label"="web-1"', True),
        ('field "VCPUs__max"="2"', True),
        ('field "is_a_template"="false"', True),
        ('field "_ref"="OpaqueRef:1"', True),
        ("field \"tags\"=\"('a' 'b')\"", True),
        ('not (field "power_state"="Running")', False),
        ('field "power_state"="Halted" or field "power_state"="Running"', True),
        ('"a"="a" and field "power_state"="Halted"', False),
        ('field "name__label"=field "name__description"', False),
        ("( ( true ) and not false )", True),
    ],
)
def test_a_filter_finds_what_it_describes(text: str, expected: bool) -> None:
    assert compile_filter(VM, text)(ROW) is expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("garbage", 'Failure("lexing: empty token")'),
        ("field 'name__label'=\"x\"", 'Failure("lexing: empty token")'),
        ("", "Xapi_database.Db_filter_parse.MenhirBasics.Error"),
        ("not", "Xapi_database.Db_filter_parse.MenhirBasics.Error"),
        ('field "power_state"', "Xapi_database.Db_filter_parse.MenhirBasics.Error"),
        ("true true", "Xapi_database.Db_filter_parse.MenhirBasics.Error"),
    ],
)
def test_what_is_no_filter_is_an_invalid_value_with_the_parser_s_complaint(
    text: str, reason: str
) -> None:
    with pytest.raises(XapiError) as refused:
        compile_filter(VM, text)

    assert refused.value.description == ["INVALID_VALUE", text, reason]


def test_an_unknown_field_is_an_internal_error() -> None:
    with pytest.raises(XapiError) as refused:
        compile_filter(VM, 'field "nope"="x"')

    assert refused.value.description == ["INTERNAL_ERROR", "missing field", "nope", ""]

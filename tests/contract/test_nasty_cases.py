"""Each of the 25 cases that moves met on real hosts has a test of its own, found by its number.

`test_case_07_…` is about case 7. In `test_cases_11_13_…` each row bears the number of its case as
the id, such as `13b` for the second row of case 13.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1] / "service" / "hostagent"
CASES = range(1, 26)
ONE = re.compile(r"test_case_(\d\d)_")
SEVERAL = re.compile(r"test_cases_((?:\d\d_)+)")
PASSED_OVER = re.compile(r"\b(skip|skipif|xfail)\b")


def written() -> Iterator[ast.AsyncFunctionDef]:
    """Return the tests of the agents, those that are passed over left out."""
    for file in sorted(HERE.glob("test_*.py")):
        module = ast.parse(file.read_text())
        for node in module.body:
            if isinstance(node, ast.AsyncFunctionDef) and not is_passed_over(node):
                yield node


def is_passed_over(test: ast.AsyncFunctionDef) -> bool:
    """Tell whether a test is marked as one that need not pass."""
    return any(PASSED_OVER.search(ast.unparse(mark)) for mark in test.decorator_list)


def rows(test: ast.AsyncFunctionDef) -> set[int]:
    """Return the numbers at the ids of a test's rows."""
    ids = [
        str(ast.literal_eval(word.value))
        for mark in test.decorator_list
        for node in ast.walk(mark)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg == "id"
    ]
    return {int(found.group()) for found in (re.match(r"\d+", one) for one in ids) if found}


def numbers(test: ast.AsyncFunctionDef) -> set[int]:
    """Return the cases that a test is about."""
    if one := ONE.match(test.name):
        return {int(one.group(1))}
    return rows(test) if SEVERAL.match(test.name) else set()


def test_each_case_has_a_test_by_its_number() -> None:
    found = set().union(*(numbers(test) for test in written()))

    assert found == set(CASES)


SHARED = [test for test in written() if SEVERAL.match(test.name)]


@pytest.mark.parametrize("test", SHARED, ids=lambda test: test.name)
def test_a_test_of_several_cases_has_a_row_for_each_that_it_names(
    test: ast.AsyncFunctionDef,
) -> None:
    named = SEVERAL.match(test.name)
    assert named

    assert rows(test) == {int(number) for number in named.group(1).split("_") if number}

"""The filter language of get_all_records_where: `field "name__label"="x" and not (field
"power_state"="Running")`.

Operators have no precedence of their own: the right side of `and` and `or` is all that follows, as
the answers recorded on xapi 26.17 have it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from xapisim.database.table import Row
from xapisim.errors import XapiError
from xapisim.schema.model import Class
from xapisim.values import Value

Predicate = Callable[[Row], bool]
_TOKEN = re.compile(r'\s*(?:(field|true|false|not|and|or|\(|\)|=)|"([^"\\]*)")')
_LEXING = 'Failure("lexing: empty token")'
_PARSING = "Xapi_database.Db_filter_parse.MenhirBasics.Error"


@dataclass(frozen=True, slots=True)
class _Token:
    word: str
    literal: str | None = None


def compile_filter(class_: Class, text: str) -> Predicate:
    """A predicate over rows; INVALID_VALUE when the text is no filter, INTERNAL_ERROR for an
    unknown field.
    """
    tokens = _tokens(text)
    parser = _Parser(class_, text, tokens)
    predicate = parser.expression()
    if parser.at != len(tokens):
        raise XapiError("INVALID_VALUE", text, _PARSING)
    return predicate


def _tokens(text: str) -> list[_Token]:
    tokens = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise XapiError("INVALID_VALUE", text, _LEXING)
        word, literal = found.groups()
        tokens.append(_Token(word or "literal", literal))
        at = found.end()
    return tokens


class _Parser:
    def __init__(self, class_: Class, text: str, tokens: list[_Token]) -> None:
        self._columns = {field.column: field.name for field in class_.fields.values()}
        self._text = text
        self._tokens = tokens
        self.at = 0

    def expression(self) -> Predicate:
        left = self._term()
        if self._accept("and"):
            right = self.expression()
            return lambda row: left(row) and right(row)
        if self._accept("or"):
            right = self.expression()
            return lambda row: left(row) or right(row)
        return left

    def _term(self) -> Predicate:
        if self._accept("not"):
            negated = self._term()
            return lambda row: not negated(row)
        if self._accept("("):
            inner = self.expression()
            self._expect(")")
            return inner
        if self._accept("true"):
            return lambda _row: True
        if self._accept("false"):
            return lambda _row: False
        left = self._operand()
        self._expect("=")
        right = self._operand()
        return lambda row: left(row) == right(row)

    def _operand(self) -> Callable[[Row], str]:
        if self._accept("field"):
            return self._column(self._literal())
        text = self._literal()
        return lambda _row: text

    def _column(self, column: str) -> Callable[[Row], str]:
        if column == "_ref":
            return lambda row: row.ref
        name = self._columns.get(column)
        if name is None:
            raise XapiError("INTERNAL_ERROR", "missing field", column, "")
        return lambda row: marshalled(row.fields[name])

    def _literal(self) -> str:
        if self.at < len(self._tokens) and self._tokens[self.at].literal is not None:
            self.at += 1
            return self._tokens[self.at - 1].literal or ""
        raise XapiError("INVALID_VALUE", self._text, _PARSING)

    def _accept(self, word: str) -> bool:
        if self.at < len(self._tokens) and self._tokens[self.at].word == word:
            self.at += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise XapiError("INVALID_VALUE", self._text, _PARSING)


def marshalled(value: Value) -> str:
    """A value as the database writes it, which is what filters compare."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.16g}"
    if isinstance(value, list):
        return "(" + " ".join(f"'{marshalled(item)}'" for item in value) + ")"
    if isinstance(value, dict):
        pairs = (f"('{key}' '{marshalled(item)}')" for key, item in value.items())
        return "(" + " ".join(pairs) + ")"
    return str(value)

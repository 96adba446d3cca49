"""The type grammar of the schema files: `string`, `ref VM`, `set(enum vm_operations)`, `map(ref
VDI, ref SR)`…
"""

from dataclasses import dataclass

from xapisim.values import EPOCH, NULL, Value

PLAIN = frozenset({"string", "int", "float", "bool", "datetime", "void", "batch"})
NAMED = frozenset({"ref", "enum", "record"})
_ZERO: dict[str, Value] = {
    "string": "",
    "int": 0,
    "float": 0.0,
    "bool": False,
    "datetime": EPOCH,
    "ref": NULL,
    "set": [],
    "map": {},
    "record": {},
    "option": None,
}


@dataclass(frozen=True, slots=True)
class Type:
    """`kind` is a plain name, or ref/enum/record with `name`, or set/option with `item`, or map
    with `key` too.
    """

    kind: str
    name: str = ""
    key: "Type | None" = None
    item: "Type | None" = None

    @property
    def value_type(self) -> "Type":
        """The type of a set's members or a map's values."""
        if self.item is None:
            raise ValueError(f"{self.kind} has no members")
        return self.item

    @property
    def key_type(self) -> "Type":
        if self.key is None:
            raise ValueError(f"{self.kind} has no keys")
        return self.key


class TypeReader:
    """Reads types from one line of a schema file, left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def accept(self, token: str) -> bool:
        self.skip_blanks()
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.accept(token):
            raise ValueError(f"{token!r} expected at {self.at} in {self.text!r}")

    def skip_blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1

    def word(self) -> str:
        self.skip_blanks()
        start = self.at
        while self.at < len(self.text) and (
            self.text[self.at].isalnum() or self.text[self.at] in "_<>/"
        ):
            self.at += 1
        return self.text[start : self.at]

    def type(self) -> Type:
        kind = self.word()
        if kind in PLAIN:
            return Type(kind)
        if kind in NAMED:
            return Type(kind, name=self.word())
        self.expect("(")
        key = None
        if kind == "map":
            key = self.type()
            self.expect(",")
        item = self.type()
        self.expect(")")
        return Type(kind, key=key, item=item)


def zero(declared: Type, enums: dict[str, tuple[str, ...]]) -> Value:
    """What a field holds that nobody gave a value."""
    return enums[declared.name][0] if declared.kind == "enum" else _ZERO[declared.kind]

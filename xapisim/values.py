"""What a XAPI value is in Python: plain types, and three subclasses where plain types would lie on
the wire.

Values are never changed in place: a write replaces a field's value, so that a record handed out
once stays what it was.
"""

from datetime import UTC, datetime
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""str (also refs, uuids, enumerations), int, float, bool, DateTime, I4, list of Value, dict of str
to Value.
"""

NULL = "OpaqueRef:NULL"


class DateTime(str):
    """A moment as XAPI writes it: `20120709T16:23:00Z`, seconds precision."""

    __slots__ = ()

    @classmethod
    def at(cls, epoch_s: float) -> "DateTime":
        return cls(datetime.fromtimestamp(epoch_s, UTC).strftime("%Y%m%dT%H:%M:%SZ"))


EPOCH = DateTime("19700101T00:00:00Z")


class I4(int):
    """An integer that XML-RPC carries tagged; every other XAPI integer travels as untagged text."""

    __slots__ = ()


class Record(dict[str, Value]):
    """One object's fields at one generation; remembers its own encodings, which many replies
    share.
    """

    __slots__ = ("json", "xml")

    def __init__(self, fields: dict[str, Value]) -> None:
        super().__init__(fields)
        self.xml: str | None = None
        self.json: str | None = None


class Listing(dict[str, Record]):
    """Many records by ref, as get_all_records gives them; a class of objects is seldom asked for
    twice.
    """

    __slots__ = ()


class Void:
    """The result of a call that returns nothing."""

    __slots__ = ()


VOID = Void()

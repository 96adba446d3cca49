"""Collects everything that is wrong with a request, so that its sender hears it all at once."""

import re
from collections.abc import Sequence

from chassis.errors import InvalidArgument, Violation
from controller.model.findings import Reason

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+):([0-9]{1,5})")

NAME_LENGTH = 1_000
REASON_LENGTH = 1_000
DEFAULT_PAGE = 50
LARGEST_PAGE = 1_000


class Violations:
    """Checks arguments one by one; `raise_any` ends the checking."""

    def __init__(self) -> None:
        self._found: list[Violation] = []

    def add(self, field: str, description: str) -> None:
        """Take a violation."""
        self._found.append(Violation(field, description, Reason.BAD_ARGUMENT))

    def raise_any(self) -> None:
        """Raise InvalidArgument with every violation, if there is one."""
        if self._found:
            message = "; ".join(f"{each.subject} {each.description}" for each in self._found)
            raise InvalidArgument(Reason.BAD_ARGUMENT, message[:2_000], self._found[:50])

    def uuid(self, field: str, value: str) -> str:
        """Return a uuid in lower case."""
        if not value:
            self.add(field, "must be set to a uuid")
        elif not _UUID.fullmatch(value):
            self.add(field, f"must be a uuid, not {_quoted(value)}")
        return value.lower()

    def optional_uuid(self, field: str, value: str) -> str:
        """Return a uuid in lower case, or an empty text."""
        return self.uuid(field, value) if value else ""

    def name(self, field: str, value: str) -> str:
        """Return a name, or a uuid in lower case where a name may be given."""
        if not value.strip():
            self.add(field, "must not be empty")
        self.text(field, value, NAME_LENGTH)
        return value.lower() if _UUID.fullmatch(value) else value

    def new_name(self, field: str, value: str) -> str:
        """Return a name for something new; one like a uuid could be taken for another's."""
        if _UUID.fullmatch(value):
            self.add(field, "must not be a uuid")
        return self.name(field, value)

    def text(self, field: str, value: str, longest: int) -> str:
        """Return a text that is not too long and that every database can keep."""
        if len(value) > longest:
            self.add(field, f"must be at most {longest:,} characters, not {len(value):,}")
        if "\0" in value:
            self.add(field, "must not contain NUL characters")
        return value

    def address(self, field: str, value: str) -> str:
        """Return a host:port."""
        match = _ADDRESS.fullmatch(value)
        if match is None or not 0 < int(match[2]) < 65_536:
            self.add(field, f"must be host:port, not {_quoted(value)}")
        return value

    def page_size(self, value: int) -> int:
        """Return how many to list."""
        if value < 0:
            self.add("page_size", f"must not be negative, as {value} is")
        return min(value or DEFAULT_PAGE, LARGEST_PAGE)

    def number(self, field: str, value: int, least: int) -> int:
        """Return a number that is not too small."""
        if value < least:
            self.add(field, f"must be at least {least}, not {value}")
        return value

    def between(self, field: str, value: int, least: int, most: int) -> int:
        """Return a number that is neither too small nor too large."""
        if not least <= value <= most:
            self.add(field, f"must be {least} to {most}, not {value}")
        return value

    def count(self, field: str, values: Sequence[object], least: int, most: int) -> None:
        """Check how many values a repeated field has."""
        if not least <= len(values) <= most:
            self.add(field, f"must have {least} to {most} values, not {len(values)}")


def _quoted(value: str) -> str:
    return repr(value if len(value) <= 60 else value[:57] + "...")

"""The XML around a XAPI database: a manifest, and tables whose rows are nothing but attributes."""

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from xapisim.errors import WorldError


@dataclass(slots=True)
class Dump:
    """Every row's attributes as they stand in the file."""

    manifest: dict[str, str] = field(default_factory=dict)
    tables: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    _open: list[dict[str, str]] = field(default_factory=list)

    @property
    def generation(self) -> int:
        text = self.manifest.get("generation_count", "")
        return int(text) if text.isdigit() else 1

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "pair":
            self.manifest[attributes.get("key", "")] = attributes.get("value", "")
        elif tag == "table":
            self._open = self.tables.setdefault(attributes.get("name", ""), [])
        elif tag == "row":
            self._open.append(attributes)


def read(path: Path) -> Dump:
    """Raises WorldError with the place in the file."""
    dump = Dump()
    tags: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        tags.append(tag)
        dump.start(tag, attributes)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    try:
        parser.Parse(path.read_bytes(), True)
    except expat.ExpatError as error:
        raise WorldError(path.name, f"XML expected: {error}") from error
    if tags[0] != "database":
        raise WorldError(path.name, f"a <database> expected, got <{tags[0]}>")
    return dump

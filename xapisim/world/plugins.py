"""The plug-ins of a world's hosts: a name, and the program that it stands for."""

from pathlib import Path

from xapisim.errors import WorldError
from xapisim.world.keys import Keys


def read(folder: Path, tables: list[Keys]) -> dict[str, Path]:
    """Programs are looked for beside the world. Raises WorldError for one that isn't there."""
    found = {}
    for keys in tables:
        name = keys.text("name")
        found[name] = (folder / keys.text("program")).resolve()
        if not found[name].is_file():
            raise WorldError(f"{keys.place}.program", f"a file expected, nothing at {found[name]}")
        keys.done()
    return found

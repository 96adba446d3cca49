"""Picks the reader of a world file by its ending."""

from pathlib import Path

from xapisim.errors import WorldError
from xapisim.world import json_world, toml_world, xml_world
from xapisim.world.model import World


def read(path: Path, seed: int) -> World:
    """Raises WorldError with file and place."""
    if not path.is_file():
        raise WorldError(str(path), "a world file expected, nothing there")
    if path.suffix == ".toml":
        return toml_world.read(path, seed)
    if path.suffix == ".xml":
        return xml_world.read(path, seed)
    if path.suffix == ".json":
        return json_world.read(path, seed)
    raise WorldError(str(path), "a .toml, .xml or .json file expected")

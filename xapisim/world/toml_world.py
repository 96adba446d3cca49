"""Reads a world from TOML: one pool, described in a page; deploy/worlds/demo.toml explains every
key.
"""

import tomllib
from pathlib import Path

from xapisim.errors import WorldError
from xapisim.ids import Ids
from xapisim.schema import roles
from xapisim.values import NULL
from xapisim.world import defaults, plugins
from xapisim.world.guests import add_vms
from xapisim.world.keys import Keys
from xapisim.world.model import User, World
from xapisim.world.places import Places, add_hosts, add_networks, add_srs


def read(path: Path, seed: int) -> World:
    """Raises WorldError with file and key."""
    try:
        described = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WorldError(path.name, str(error)) from error
    top = Keys(path.name, described)
    return _pool(path, top, top.table("pool"), seed)


def _user(keys: Keys) -> User:
    user = User(keys.text("password"), keys.one_of("role", roles.names()))
    keys.done()
    return user


def _pool(path: Path, top: Keys, pool: Keys, seed: int) -> World:
    name = pool.text("name")
    world = World(path.name, name)
    ids = Ids(seed, f"world/{name}")
    places = Places(world, ids)
    add_hosts(places, list(top.tables("host")))
    add_networks(places, list(top.tables("network")))
    add_srs(places, list(top.tables("sr")))
    add_vms(places, list(top.tables("vm")))
    world.users = {keys.text("name"): _user(keys) for keys in top.tables("user")}
    world.faults = top.items("fault")
    world.plugins = plugins.read(path.parent, list(top.tables("plugin")))
    world.stepped = pool.flag("stepped", default=False)
    world.instant = pool.flag("instant", default=False)
    world.add(
        "pool",
        ids.ref_for("pool", name),
        uuid=pool.uuid(ids.uuid_for("pool", name)),
        name_label=name,
        name_description=pool.text("description", ""),
        master=next(iter(places.hosts.values())),
        default_SR=places.default_sr or NULL,
        suspend_image_SR=places.default_sr or NULL,
        restrictions={**defaults.RESTRICTIONS, **pool.text_map("restrictions")},
        other_config=pool.text_map("other_config"),
    )
    pool.done()
    top.done()
    return world

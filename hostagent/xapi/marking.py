"""Keys in the other_config of any object: by these the agent remembers what it must."""

from collections.abc import Iterable, Mapping

from hostagent.xapi.client import Client
from hostagent.xapi.errors import XapiGone, XapiRefused

OTHER_CONFIG = "other_config"
SM_CONFIG = "sm_config"


def mark_now(
    client: Client, kind: str, ref: str, keys: Mapping[str, str], replaced: Iterable[str]
) -> None:
    """Add keys to other_config, after removing those in `replaced`; on the caller's thread.

    XAPI adds to a map and never replaces: a key that is there is refused (MAP_DUPLICATE_KEY).
    """
    for key in replaced:
        client.change_now(f"{kind}.remove_from_other_config", ref, key)
    for key, value in keys.items():
        client.change_now(f"{kind}.add_to_other_config", ref, key, value)


async def mark(
    client: Client, kind: str, ref: str, keys: Mapping[str, str], replaced: Iterable[str] = ()
) -> None:
    """Like `mark_now`; raises XapiError."""
    await client.run(lambda: mark_now(client, kind, ref, keys, replaced))


async def unmark(
    client: Client, kind: str, ref: str, keys: Iterable[str], field: str = OTHER_CONFIG
) -> dict[str, tuple[str, ...]]:
    """Remove keys from a map; return XAPI's error for each, empty for those that went.

    An object that is gone has lost its keys too.
    """
    return await client.run(lambda: _removed(client, kind, ref, keys, field))


async def exchange(
    client: Client, kind: str, ref: str, added: Mapping[str, str], removed: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Add keys to other_config, then remove others; return XAPI's error for each of these."""

    def work() -> dict[str, tuple[str, ...]]:
        mark_now(client, kind, ref, added, ())
        return _removed(client, kind, ref, removed, OTHER_CONFIG)

    return await client.run(work)


async def other_config(client: Client, kind: str, ref: str) -> dict[str, str]:
    """Return the map as it is now; raises XapiGone."""
    return dict(await client.read(f"{kind}.get_other_config", ref))


def _removed(
    client: Client, kind: str, ref: str, keys: Iterable[str], field: str
) -> dict[str, tuple[str, ...]]:
    done: dict[str, tuple[str, ...]] = {}
    for key in keys:
        done[key] = ()
        try:
            client.change_now(f"{kind}.remove_from_{field}", ref, key)
        except XapiGone:
            continue
        except XapiRefused as refusal:
            done[key] = refusal.error
    return done

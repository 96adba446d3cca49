"""Which migrations are open at this host as a destination: one key each in its other_config.

`xenferry:open:<migration>` = "<epoch> <instance> <across> <disk,disk…> <made,made…>", written
before anything is made here. As long as the guest is in another pool there is no VM here that could
bear the fence, so it is here; and that the VM was not here then is what tells a half-made record
from a guest. `endings` remembers the migration, before a rollback releases anything and whether or
not it was ever prepared here; the key goes when nothing is left.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hostagent.model.move import Fence
from hostagent.operations import endings
from hostagent.operations.agent import Agent
from hostagent.xapi import marking

PREFIX = "xenferry:open:"


@dataclass(frozen=True, slots=True)
class Entry:
    """A migration that is open here; `across`: its VM came from another pool.

    `disks` are the uuids of the VM's disks at the source, as far as they were told; `made` is what
    was not here and is made for the migration, see `hostagent.operations.volumes.intents`.
    """

    epoch: int
    instance_id: str
    across: bool
    disks: tuple[str, ...] = ()
    made: frozenset[str] = frozenset()

    def text(self) -> str:
        """Return it as it is written."""
        lists = (",".join(self.disks), ",".join(sorted(self.made)))
        words = (str(self.epoch), self.instance_id, str(int(self.across)), *lists)
        return " ".join(words).rstrip()


def entry_of(other_config: Mapping[str, str], migration_id: str) -> Entry | None:
    """Return what is written of a migration, or None."""
    words = other_config.get(_key(migration_id), "").split(" ")
    if len(words) < 3 or not words[0].isdecimal():
        return None
    disks, made = (tuple(filter(None, word.split(","))) for word in (*words, "", "")[3:5])
    return Entry(int(words[0]), words[1], words[2] == "1", disks, frozenset(made))


async def read(agent: Agent, host: str, fence: Fence) -> tuple[dict[str, str], Entry | None]:
    """Return the host's other_config and the migration's entry; raises StaleEpoch or XapiError."""
    config = await marking.other_config(agent.client, "host", host)
    entry = entry_of(config, fence.migration_id)
    if entry is not None:
        agent.fences.note(Fence(fence.migration_id, entry.epoch))
    agent.fences.admit_at(fence, config)
    return config, entry


async def write(agent: Agent, host: str, fence: Fence, known: Entry | None, entry: Entry) -> None:
    """Write an entry in place of the one that is known."""
    agent.tickets.opened.add(fence.migration_id)
    if known == entry:
        return
    key = _key(fence.migration_id)
    replaced = [key] if known is not None else []
    await marking.mark(agent.client, "host", host, {key: entry.text()}, replaced)


async def end(agent: Agent, host: str, fence: Fence, config: Mapping[str, str]) -> None:
    """Remember on the host that the migration is over: nothing is made here for it from now on."""
    change = endings.change(config, fence, endings.OF_HOST)
    await endings.write(agent.client, "host", host, change)


async def close(agent: Agent, host: str, fence: Fence) -> None:
    """Remove the entry of a migration of which nothing is left."""
    await marking.unmark(agent.client, "host", host, [_key(fence.migration_id)])
    agent.tickets.opened.discard(fence.migration_id)


def may_be_open(agent: Agent, other_config: Mapping[str, str], fence: Fence) -> bool:
    """Tell whether a migration may have an entry; what the mirror has may be 100 ms old."""
    return fence.migration_id in agent.tickets.opened or _key(fence.migration_id) in other_config


def _key(migration_id: str) -> str:
    return f"{PREFIX}{migration_id}"

"""Remembers in XAPI which migrations are over, so that a late caller begins none of them again.

A key an ending, `xenferry:ended:<migration>` = "<number> <epoch>", on the VM: it goes where the VM
goes, and any agent that is asked to move the VM looks at it. Where no VM can bear it, because the
guest did not come, the host does. The oldest make room for new ones.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hostagent.model.move import Fence
from hostagent.xapi import marking
from hostagent.xapi.client import Client

PREFIX = "xenferry:ended:"
OF_VM = 8
OF_HOST = 64


@dataclass(frozen=True, slots=True)
class Ending:
    """A migration that is over; numbers grow."""

    number: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written, and which keys make room for it."""

    added: Mapping[str, str]
    dropped: tuple[str, ...] = ()

    def applied(self, other_config: Mapping[str, str]) -> dict[str, str]:
        """Return what an object has when it is written."""
        kept = {key: other_config[key] for key in other_config if key not in self.dropped}
        return {**kept, **self.added}


def epoch_of(other_config: Mapping[str, str], migration_id: str) -> int | None:
    """Return the epoch that ended a migration, or None if it is not known to be over."""
    ending = _read(other_config.get(f"{PREFIX}{migration_id}", ""))
    return ending.epoch if ending else None


def change(other_config: Mapping[str, str], fence: Fence, most: int) -> Change:
    """Return what makes an object remember an ending; nothing if it does."""
    key = f"{PREFIX}{fence.migration_id}"
    if key in other_config:
        return Change({})
    known = {
        name: _read(value) or Ending(0, 0)
        for name, value in other_config.items()
        if name.startswith(PREFIX)
    }
    oldest = sorted(known, key=lambda name: known[name].number)
    number = max((one.number for one in known.values()), default=0) + 1
    dropped = oldest[: max(0, len(known) + 1 - most)]
    return Change({key: f"{number} {fence.epoch}"}, tuple(dropped))


async def write(
    client: Client, kind: str, ref: str, changed: Change, marks: Iterable[str] = ()
) -> dict[str, tuple[str, ...]]:
    """Write an ending, and only then remove `marks`; return XAPI's error for each key removed."""
    keys = (*changed.dropped, *marks)
    if not keys and not changed.added:
        return {}
    return await marking.exchange(client, kind, ref, changed.added, keys)


def _read(value: str) -> Ending | None:
    number, _, epoch = value.partition(" ")
    if number.isdecimal() and epoch.isdecimal():
        return Ending(int(number), int(epoch))
    return None

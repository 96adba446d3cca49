"""What gets through between the programs of a saga's world, and what its agents remember."""

import enum
from collections import defaultdict

from controller.ports.clock import Clock


class Link(enum.StrEnum):
    """Two programs that talk to each other."""

    CONTROLLER_SOURCE = "controller-source"
    CONTROLLER_DEST = "controller-dest"
    SOURCE_XAPI = "source-xapi"
    DEST_XAPI = "dest-xapi"
    XAPIS = "xapis"


class Links:
    """Which links are cut, and until when."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[Link, float] = defaultdict(float)

    def cut(self, link: Link, seconds: float) -> None:
        """Let nothing through for so long, in either direction."""
        self._until[link] = max(self._until[link], self._clock.monotonic() + seconds)

    def is_cut(self, *links: Link) -> bool:
        """Tell whether one of these lets nothing through."""
        return any(self._until[link] > self._clock.monotonic() for link in links)


class Fences:
    """The highest epoch that each side's agent has seen, and what of it outlives the agent.

    A migration that has ended at a side is not begun there again.
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] = defaultdict(int)
        self._written: dict[str, int] = defaultdict(int)
        self._ended: set[str] = set()

    def note(self, side: str, epoch: int) -> None:
        """Remember an epoch; lower ones change nothing."""
        self._seen[side] = max(self._seen[side], epoch)

    def write(self, side: str, epoch: int) -> None:
        """Have XAPI remember it, too."""
        self.note(side, epoch)
        self._written[side] = max(self._written[side], epoch)

    def is_stale(self, side: str, epoch: int) -> bool:
        """Tell whether a higher epoch was seen."""
        return epoch < self._seen[side]

    def end(self, side: str, epoch: int) -> None:
        """Have XAPI remember that the migration is over at a side."""
        self.write(side, epoch)
        self._ended.add(side)

    def has_ended(self, side: str) -> bool:
        """Tell whether it is over there."""
        return side in self._ended

    def forget(self, side: str) -> None:
        """Begin again with what XAPI remembers: the agent was restarted."""
        self._seen[side] = self._written[side]

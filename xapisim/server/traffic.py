"""The requests of all hosts: how many came in, and which are not answered yet."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Traffic:
    received: int = 0
    _under_way: dict[object, int] = field(default_factory=dict)

    def begin(self, connection: object, peer: object) -> None:
        """`peer` is the client's address, as a socket gives it."""
        self.received += 1
        self._under_way[connection] = peer[1] if isinstance(peer, tuple) else 0

    def end(self, connection: object) -> None:
        """It is answered, or cut off."""
        self._under_way.pop(connection, None)

    def ports(self) -> frozenset[int]:
        """The clients' ports of what is under way."""
        return frozenset(self._under_way.values())

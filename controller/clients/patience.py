"""Whether a call that failed is made again, and after how long."""

from collections.abc import Callable

import grpc.aio

from controller.clients import failures
from controller.clients.settings import AgentSettings


class Patience:
    """Of one call: a few attempts after errors that `repeatable` names, any while it is busy."""

    def __init__(
        self, settings: AgentSettings, repeatable: Callable[[grpc.aio.AioRpcError], bool]
    ) -> None:
        self._repeatable = repeatable
        self._busy_pause_s = settings.busy_pause_s
        self._next_s = settings.first_pause_s
        self._left = settings.attempts - 1

    def pause_s(self, error: grpc.aio.AioRpcError) -> float | None:
        """Return how long to wait before the next attempt, None to make none."""
        busy_s = failures.busy_for_s(error, self._busy_pause_s)
        if busy_s is not None:
            return busy_s
        return self.unheard_pause_s(error)

    def unheard_pause_s(self, error: grpc.aio.AioRpcError) -> float | None:
        """Return the same, but None where the agent has answered that it is busy."""
        if not self._repeatable(error) or self._left <= 0:
            return None
        self._left -= 1
        pause_s, self._next_s = self._next_s, self._next_s * 2
        return pause_s

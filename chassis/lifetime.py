"""How a service ends: calls that would outlive it are told to come back, and none is cut off."""

import asyncio


class Lifetime:
    """Known to the server and its interceptor; `serving` and `stopping` are set once each."""

    def __init__(self) -> None:
        self.serving = asyncio.Event()
        self.stopping = asyncio.Event()
        self._streams: set[asyncio.Task[object]] = set()

    def enter_stream(self) -> asyncio.Task[object]:
        """Remember the task that serves a stream, so that `stop` can end it."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a stream is served by a task")
        self._streams.add(task)
        return task

    def leave_stream(self, task: asyncio.Task[object]) -> None:
        """Forget a stream that has ended."""
        self._streams.discard(task)

    def stop(self) -> None:
        """Set `stopping` and end every open stream; the interceptor answers them UNAVAILABLE."""
        self.stopping.set()
        for task in tuple(self._streams):
            task.cancel()

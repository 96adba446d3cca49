"""Ctrl-C while a call is under way."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import grpc


@contextmanager
def ending(call: grpc.Call) -> Iterator[None]:
    """End the call on Ctrl-C; raises KeyboardInterrupt when it has ended.

    Python's own handler raises wherever the program is just then. In a destructor, or in what C
    code calls back, that is printed and forgotten, and the program would wait on.
    """
    asked = False

    def end(_: int, __: FrameType | None) -> None:
        nonlocal asked
        asked = True
        call.cancel()

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    except grpc.RpcError:
        if not asked:
            raise
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt

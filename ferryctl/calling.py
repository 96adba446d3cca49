"""Unary calls that may be sent again: only what the contract says is safe to repeat."""

import time
from collections.abc import Callable
from typing import TypeVar

import grpc

from chassis import answers

AnswerT = TypeVar("AnswerT")

# A restart of the controller takes about this long; more is an outage that the operator must see.
PAUSES_S = (0.3, 0.7, 1.5)

# Reasons under which the controller itself is in the way; an agent that is away stays away.
_PASSING = ("", "SHUTTING_DOWN")


def repeated(call: Callable[[], AnswerT], sleep: Callable[[float], None] = time.sleep) -> AnswerT:
    """Return the answer of a call that is safe to repeat, sent again while nobody is there."""
    for pause_s in PAUSES_S:
        try:
            return call()
        except grpc.RpcError as error:
            answer = answers.read(error)
            gone = answer.code is grpc.StatusCode.UNAVAILABLE and answer.reason in _PASSING
            if not gone:
                raise
        sleep(pause_s)
    return call()

"""Sizes, times and names of enum values as people read them."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from google.protobuf import duration_pb2, timestamp_pb2

_STEPS = (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


def size(count: int) -> str:
    """Return bytes in the largest unit that leaves one or more: "1.5 GiB"."""
    for unit, factor in _STEPS:
        if abs(count) >= factor:
            return f"{count / factor:.1f} {unit}".replace(".0 ", " ")
    return f"{count} B"


def moment(stamp: timestamp_pb2.Timestamp) -> str:
    """Return a time in the operator's zone; empty when it is not set."""
    if not stamp.seconds:
        return ""
    return _local(stamp).strftime("%Y-%m-%d %H:%M:%S")


def clock_time(stamp: timestamp_pb2.Timestamp) -> str:
    """Return the time of day, to the millisecond; empty when it is not set."""
    if not stamp.seconds:
        return ""
    return _local(stamp).strftime("%H:%M:%S.%f")[:-3]


def _local(stamp: timestamp_pb2.Timestamp) -> dt.datetime:
    return stamp.ToDatetime(tzinfo=dt.UTC).astimezone()


def seconds_between(start: timestamp_pb2.Timestamp, end: timestamp_pb2.Timestamp) -> float | None:
    """Return how long it took, or None where one of the two is not set."""
    if not start.seconds or not end.seconds:
        return None
    return (end.ToNanoseconds() - start.ToNanoseconds()) / 1e9


def duration(seconds: float) -> str:
    """Return "12.3 s" or "2 min 05 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def interval(p50: duration_pb2.Duration, p90: duration_pb2.Duration) -> str:
    """Return "about 12.3 s, at most 20.0 s"; empty where neither is set."""
    likely, surely = (each.ToMilliseconds() / 1000 for each in (p50, p90))
    if not surely:
        return ""
    return f"about {duration(likely)}, at most {duration(surely)}"


def word(name_of: Callable[[Any], str], value: int, prefix: str) -> str:
    """Return an enum value in lower case without its prefix; numbers of a later release stay so."""
    try:
        return name_of(value).removeprefix(prefix).lower()
    except ValueError:
        return str(value)

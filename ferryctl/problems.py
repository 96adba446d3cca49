"""What ferryctl itself complains of, before or beside any call; each knows its exit code."""

from collections.abc import Sequence

from ferryctl import exits


class Problem(Exception):
    """A sentence for the operator and the exit code that goes with it."""

    exit_code = exits.USAGE
    reason = "USAGE"


class UnknownInstance(Problem):
    """No instance bears the name."""

    exit_code = exits.NOT_FOUND
    reason = "INSTANCE_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"no instance bears the name {name}; `ferryctl instances` lists them")


class AmbiguousInstance(Problem):
    """Several instances bear the name."""

    reason = "AMBIGUOUS_NAME"

    def __init__(self, name: str, places: Sequence[str]) -> None:
        lines = "\n".join(f"  {place}" for place in places)
        super().__init__(f"{len(places)} instances bear the name {name}; use a uuid:\n{lines}")


class TlsOptionsMissing(Problem):
    """The controller is on another machine and no certificate was given."""

    def __init__(self, controller: str) -> None:
        super().__init__(f"{controller} is not on this machine: give --ca, --certificate and --key")


class TlsFileUnreadable(Problem):
    """One of the three files can't be read."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")

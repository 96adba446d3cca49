"""What a clean-up did, thing by thing."""

from dataclasses import dataclass
from enum import Enum


class Action(Enum):
    """What was done with one thing."""

    REMOVED = "REMOVED"
    KEPT = "KEPT"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a clean-up looked at."""

    subject: str
    action: Action
    why: str = ""
    xapi_error: tuple[str, ...] = ()

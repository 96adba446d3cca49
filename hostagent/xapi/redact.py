"""Takes credentials out of texts that XAPI wrote, before they are kept, logged or sent on."""

import re
from collections.abc import Sequence

HIDDEN = "***"

# XAPI's error arrays quote sessions, URLs of services with a session in them, and what a storage
# driver was given.
_SESSION = re.compile(r"(session_id=|session_id['\"]?\s*[:;,=]\s*S?\(?['\"]?)[^\s&'\")\];]+")
_SECRET = re.compile(
    r"(\b[\w-]*(?:password|passwd|secret|chappassword)[\w-]*['\"]?\s*[:;,=]\s*S?\(?['\"]?)"
    r"[^\s&'\")\];,]+",
    re.IGNORECASE,
)
_SESSION_CODES = frozenset({"SESSION_INVALID", "SESSION_NOT_REGISTERED"})


def text(told: str) -> str:
    """Return the text with every credential in it hidden."""
    return _SECRET.sub(rf"\g<1>{HIDDEN}", _SESSION.sub(rf"\g<1>{HIDDEN}", told))


def array(error: Sequence[str]) -> tuple[str, ...]:
    """Return an error array with every credential in it hidden; the rest is as XAPI wrote it."""
    if error and error[0] in _SESSION_CODES:
        return (error[0], *(HIDDEN for _ in error[1:]))
    return tuple(text(word) for word in error)

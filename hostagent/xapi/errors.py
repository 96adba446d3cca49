"""What can go wrong with a call to XAPI: was it done, and does asking again help?

XapiError
  ├─ XapiRefused          XAPI said no: nothing was done, and the same call gets the same answer
  │    ├─ XapiGone        … because the object is not there
  │    └─ XapiFatal       … to every such call, until an operator mends it (rights, API, release)
  │         └─ LoginRefused  … because of the credentials
  ├─ XapiTransient        XAPI said not now: nothing was done
  ├─ XapiUnavailable      XAPI did not answer a call that changes nothing, or was never reached
  └─ XapiOutcomeUnknown   a call that changes something was sent and no answer came, or one that
                          proves nothing
"""

from collections.abc import Sequence
from enum import Enum

from hostagent.xapi import redact


class ErrorClass(Enum):
    """What a failure tells of the call: was it done, and does asking again help?"""

    REFUSAL = "refusal"
    TRANSIENT = "transient"
    UNKNOWN_OUTCOME = "unknown_outcome"
    FATAL = "fatal"


class XapiError(Exception):
    """A call to XAPI that did not do what was asked.

    `error` is XAPI's own array, with credentials hidden, or empty.
    """

    error_class = ErrorClass.TRANSIENT

    def __init__(self, method: str, text: str, error: Sequence[str] = ()) -> None:
        super().__init__(f"{method}: {redact.text(text)}")
        self.method = method
        self.error = redact.array(error)


class _Answered(XapiError):
    """XAPI answered with an error array."""

    def __init__(self, method: str, error: Sequence[str]) -> None:
        super().__init__(method, " ".join(redact.array(error)), error)

    @property
    def code(self) -> str:
        """The first word of XAPI's error."""
        return self.error[0] if self.error else ""


class XapiRefused(_Answered):
    """XAPI said no."""

    error_class = ErrorClass.REFUSAL


class XapiGone(XapiRefused):
    """The object that was named is not there (HANDLE_INVALID, UUID_INVALID)."""


class XapiFatal(XapiRefused):
    """XAPI says no to every such call until an operator mends it."""

    error_class = ErrorClass.FATAL


class LoginRefused(XapiFatal):
    """XAPI does not accept the user or the password."""


class XapiTransient(_Answered):
    """XAPI said not now."""


class XapiUnavailable(XapiError):
    """No answer, and nothing was changed."""


class XapiOutcomeUnknown(XapiError):
    """Sent, and no answer that proves anything: it may have been done, or be under way."""

    error_class = ErrorClass.UNKNOWN_OUTCOME

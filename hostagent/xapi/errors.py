"""What can go wrong with a call to XAPI: was it done, and does asking again help?

XapiError
  ├─ XapiRefused          XAPI said no: nothing was done, and the same call gets the same answer
  │    ├─ XapiGone        … because the object is not there
  │    └─ LoginRefused    … because of the credentials
  ├─ XapiTransient        XAPI said not now: nothing was done
  ├─ XapiUnavailable      XAPI did not answer a call that changes nothing, or was never reached
  └─ XapiOutcomeUnknown   a call that changes something was sent and no answer came
"""

from collections.abc import Sequence


class XapiError(Exception):
    """A call to XAPI that did not do what was asked; `error` is XAPI's own array, or empty."""

    def __init__(self, method: str, text: str, error: Sequence[str] = ()) -> None:
        super().__init__(f"{method}: {text}")
        self.method = method
        self.error = tuple(error)


class XapiRefused(XapiError):
    """XAPI said no."""

    def __init__(self, method: str, error: Sequence[str]) -> None:
        super().__init__(method, " ".join(error), error)

    @property
    def code(self) -> str:
        """The first word of XAPI's error."""
        return self.error[0] if self.error else ""


class XapiGone(XapiRefused):
    """The object that was named is not there (HANDLE_INVALID, UUID_INVALID)."""


class LoginRefused(XapiRefused):
    """XAPI does not accept the user or the password."""


class XapiTransient(XapiError):
    """XAPI said not now."""

    def __init__(self, method: str, error: Sequence[str]) -> None:
        super().__init__(method, " ".join(error), error)


class XapiUnavailable(XapiError):
    """No answer, and nothing was changed."""


class XapiOutcomeUnknown(XapiError):
    """Sent, and no answer: it may have been done, may be being done, or may not."""

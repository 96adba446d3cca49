"""The one way a call fails: a XAPI error code with its parameters, in the order XAPI gives them."""


class XapiError(Exception):
    """`ErrorDescription` of a failed call: the code, then its parameters, all text."""

    def __init__(self, code: str, *params: str) -> None:
        super().__init__(code, *params)
        self.code = code
        self.params = params

    @property
    def description(self) -> list[str]:
        return [self.code, *self.params]


class WorldError(Exception):
    """A world file that can't be served: where it is wrong and what was expected there."""

    def __init__(self, place: str, expected: str) -> None:
        super().__init__(f"{place}: {expected}")
        self.place = place
        self.expected = expected


def handle_invalid(class_name: str, ref: str) -> XapiError:
    return XapiError("HANDLE_INVALID", class_name, ref)


def uuid_invalid(class_name: str, uuid: str) -> XapiError:
    return XapiError("UUID_INVALID", class_name, uuid)


def internal(text: str) -> XapiError:
    return XapiError("INTERNAL_ERROR", text)


def xenopsd(text: str) -> XapiError:
    """A hypervisor failure as VM.pool_migrate translates it (recorded on xapi 26.17)."""
    return internal(f"xenopsd internal error: {text}")


class CancelledByUserError(XapiError):
    """The caller's task.cancel took effect."""

    def __init__(self, task: str) -> None:
        super().__init__("TASK_CANCELLED", task)

"""Which class of error an error array of XAPI belongs to, and what a failed task proves."""

import re
from collections.abc import Sequence

from hostagent.xapi import redact
from hostagent.xapi.errors import (
    ErrorClass,
    LoginRefused,
    XapiError,
    XapiFatal,
    XapiGone,
    XapiOutcomeUnknown,
    XapiRefused,
    XapiTransient,
)

# XAPI A3: emergency mode and booting; A11: the limit of storage moves. All pass by themselves.
_TRANSIENT = frozenset(
    {
        "HOST_STILL_BOOTING",
        "HOST_HAS_NO_MANAGEMENT_IP",
        "HOST_UNKNOWN_TO_MASTER",
        "HOST_MASTER_CANNOT_TALK_BACK",
        "TOO_MANY_STORAGE_MIGRATES",
        "TOO_MANY_PENDING_TASKS",
        "HOST_ITS_OWN_SLAVE",
        "HOST_IS_SLAVE",
    }
)
_GONE = frozenset({"HANDLE_INVALID", "UUID_INVALID"})
_LOGIN = frozenset({"SESSION_AUTHENTICATION_FAILED", "USER_IS_NOT_LOCAL"})
# The same call fails for every object: rights, or a release that lacks the call.
_FATAL = frozenset(
    {
        "RBAC_PERMISSION_DENIED",
        "MESSAGE_METHOD_UNKNOWN",
        "MESSAGE_PARAMETER_COUNT_MISMATCH",
        "MESSAGE_REMOVED",
    }
)
# XAPI passes calls on to members: with these it can't tell what became of one.
_UNTOLD = frozenset(
    {"CANNOT_CONTACT_HOST", "VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED", "TLS_CONNECTION_FAILED"}
)

# XAPI lost sight of the move with these; the guest's memory may be on its way still.
_LOST_SIGHT = frozenset(
    {
        "CANNOT_CONTACT_HOST",
        "HOST_OFFLINE",
        "VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED",
        "SESSION_INVALID",
        "HANDLE_INVALID",
    }
)
# Recorded on xapi 26.17: with these codes the guest was seen on either side, or on none.
_DOUBTFUL_CODES = _LOST_SIGHT | {"VM_MIGRATE_FAILED"}
_DOUBTFUL_TEXT = re.compile(
    r"Synchronisation point|Connection_?\s?reset|End_of_file|Emu_manager_failure|Not_found"
    r"|Does_not_exist|does not exist|Sr_not_attached|EPIPE|ECONNRE|Unix_error",
    re.IGNORECASE,
)


def failure(method: str, error: Sequence[str]) -> XapiError:
    """Return the exception for an error array that a call was answered with."""
    code = error[0] if error else ""
    if code in _GONE:
        return XapiGone(method, error)
    if code in _TRANSIENT:
        return XapiTransient(method, error)
    if code in _LOGIN:
        return LoginRefused(method, error)
    if code in _FATAL:
        return XapiFatal(method, error)
    if code in _UNTOLD:
        return XapiOutcomeUnknown(method, " ".join(redact.array(error)), error)
    return XapiRefused(method, error)


def class_of(error: Sequence[str]) -> ErrorClass:
    """Return the class of an error array that a task ended with, or a call was answered with."""
    if proves_nothing(error):
        return ErrorClass.UNKNOWN_OUTCOME
    return failure("", error).error_class


def lost_sight(error_info: Sequence[str]) -> bool:
    """Tell whether a task may have failed with this while the guest's memory is still copied."""
    return not _LOST_SIGHT.isdisjoint(error_info[:1])


def proves_nothing(error_info: Sequence[str]) -> bool:
    """Tell whether a task may have failed with this although the guest moved, or was lost."""
    if not error_info:
        return False
    if error_info[0] in _DOUBTFUL_CODES:
        return True
    return error_info[0] == "INTERNAL_ERROR" and any(
        _DOUBTFUL_TEXT.search(text) for text in error_info[1:]
    )

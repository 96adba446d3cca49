"""Tries one thing of a clean-up: whatever XAPI says to it, the next one is tried too."""

from collections.abc import Awaitable, Callable

from hostagent.model.cleanup import Action, Item
from hostagent.xapi import redact
from hostagent.xapi.errors import XapiGone, XapiRefused

_IN_USE = frozenset({"VDI_IN_USE", "SR_DEVICE_IN_USE", "DEVICE_ALREADY_ATTACHED"})


async def removal(subject: str, act: Callable[[], Awaitable[None]], why: str = "") -> Item | None:
    """Return what became of it, None if it was gone already.

    Raises XapiError when XAPI does not answer: then nothing else would be answered either, and the
    whole clean-up is asked for again.
    """
    try:
        await act()
    except XapiGone:
        return None
    except XapiRefused as refusal:
        error = redact.array(refusal.error)
        if refusal.code in _IN_USE:
            return Item(subject, Action.KEPT, "something uses it now", error)
        return Item(subject, Action.FAILED, "XAPI refused to remove it", error)
    return Item(subject, Action.REMOVED, why)

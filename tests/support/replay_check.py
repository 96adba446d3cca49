"""How much of a recorded reply a call's `compare` says has to come back the same."""

from collections.abc import Callable
from typing import Any

from tests.support.replay_match import Difference, Matcher

STATE = {"power_state", "resident_on", "scheduled_to_be_resident_on", "current_operations"}


def failure(reply: dict[str, Any]) -> list[str] | None:
    """The error array of a reply in any protocol."""
    if reply.get("Status") == "Failure":
        error: list[str] = reply["ErrorDescription"]
        return error
    found = reply.get("error")
    if isinstance(found, dict):
        return [found["message"], *found["data"]]
    return found or None


def value(reply: dict[str, Any]) -> Any:
    for name in ("Value", "result", "bare"):
        if name in reply:
            return reply[name]
    return None


def check(matcher: Matcher, call: dict[str, Any], got: dict[str, Any]) -> Difference | None:
    """The first difference that this call's `compare` forbids; labels are bound in any case."""
    want, how = call["reply"], call.get("compare", "exact")
    if "transport_error" in want or "transport_error" in got:
        same = "transport_error" in want and "transport_error" in got
        return None if same or how == "none" else Difference("", matcher.fill(want), got)
    if how == "exact":
        return matcher.compare(want, got)
    matcher.learn(want, got)
    return None if how == "none" else _outcomes(matcher, how, want, got)


def _outcomes(
    matcher: Matcher, how: str, want: dict[str, Any], got: dict[str, Any]
) -> Difference | None:
    want_error, got_error = failure(want), failure(got)
    kinds = want_error is None, "http_body" in want
    if kinds != (got_error is None, "http_body" in got):
        return Difference("", matcher.fill(want), got)
    if want_error is None or got_error is None:
        rule = _RULES.get(how)
        return rule(matcher, value(want), value(got)) if rule else None
    if how == "status":
        return matcher.compare(want_error[0], got_error[0], "/error")
    return matcher.compare(want_error, got_error, "/error")


def _same_type(_matcher: Matcher, want: Any, got: Any) -> Difference | None:
    return None if type(want) is type(got) else Difference("", want, got)


def _same_fields(matcher: Matcher, want: Any, got: Any) -> Difference | None:
    if isinstance(want, dict) and isinstance(got, dict):
        same = set(matcher.fill(want)) == set(got)
        return None if same else Difference("", sorted(matcher.fill(want)), sorted(got))
    return _same_type(matcher, want, got)


def _same_keys(matcher: Matcher, want: Any, got: Any) -> Difference | None:
    return matcher.compare(list(want), list(got), "/keys")


def _same_task(matcher: Matcher, want: Any, got: Any) -> Difference | None:
    if not isinstance(want, dict) or "type" not in want:
        return _same_type(matcher, want, got)
    difference = _same_fields(matcher, want, got)
    return difference or matcher.compare(_kind(want), _kind(got))


def _kind(task: dict[str, Any]) -> dict[str, Any]:
    return {name: task[name] for name in ("name_label", "type")}


def _same_state(matcher: Matcher, want: Any, got: Any) -> Difference | None:
    if isinstance(got, dict) and not got.keys() >= STATE:
        return Difference("", sorted(STATE), sorted(got))
    return _same_type(matcher, want, got)


def _same_events(matcher: Matcher, want: Any, got: Any) -> Difference | None:
    """Events or none; the end of a task from before the recording can't be expected again."""
    expected = [event for event in want["events"] if not _is_from_before(matcher, event)]
    if bool(expected) != bool(got["events"]):
        return Difference("/events", want["events"], got["events"])
    return _same_fields(matcher, want, got)


def _is_from_before(matcher: Matcher, event: dict[str, Any]) -> bool:
    return event.get("operation") == "del" and str(matcher.fill(event["ref"])).startswith("$")


def _both_or_neither(_matcher: Matcher, want: Any, got: Any) -> Difference | None:
    return None if bool(want) == bool(got) else Difference("", want, got)


_RULES: dict[str, Callable[[Matcher, Any, Any], Difference | None]] = {
    "type": _same_type,
    "state": _same_type,
    "record": _same_fields,
    "session": _same_fields,
    "keys": _same_keys,
    "task": _same_task,
    "vmstate": _same_state,
    "events": _same_events,
    "legacy-events": _both_or_neither,
}
"""What is compared of a successful call's value; for other words, nothing."""

"""How a call to an agent of a saga's world can go wrong, by name, and what is told then."""

from dataclasses import dataclass

from controller.model.findings import Finding, Reason, Severity
from controller.ports.agents import AgentBusy, AgentUnavailable, Fenced, StepRefused


class Killed(BaseException):
    """The controller's process dies here; nothing in it may catch this."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong at the nth time (from 1) that a call is made; `nth` 0 means every time."""

    call: str
    kind: str
    nth: int = 1


KINDS = (
    "refused",
    "unavailable before",
    "unavailable after",
    "busy",
    "killed",
    "repeated",
    "fenced",
    "broken",
    "late",
)
OF_MOVE_ALONE = ("broken", "late")


def raise_before(kind: str) -> None:
    """Fail before anything is done, if that is the fault."""
    if kind == "refused":
        raise StepRefused([finding(Reason.XAPI_REFUSED, "XAPI says no")])
    if kind == "busy":
        raise AgentBusy([finding(Reason.TOO_MANY_MIGRATIONS, "4 of 4 moves run")])
    if kind == "unavailable before":
        raise silence()
    if kind == "fenced":
        raise fenced()


def raise_after(kind: str) -> None:
    """Fail when all is done, if that is the fault."""
    if kind == "unavailable after":
        raise silence()
    if kind == "killed":
        raise Killed


def silence() -> AgentUnavailable:
    """Return what is raised where no answer comes."""
    return AgentUnavailable([finding(Reason.AGENT_UNAVAILABLE, "the agent does not answer")])


def fenced() -> Fenced:
    """Return what a call of an epoch that is over is told."""
    return Fenced([finding(Reason.STALE_EPOCH, "a higher epoch was seen")])


def finding(reason: Reason, message: str, xapi_error: tuple[str, ...] = ()) -> Finding:
    """Return an error that an agent tells."""
    return Finding(reason, Severity.ERROR, "host/xs1", message, xapi_error=xapi_error)


def passed() -> Finding:
    """Return what a check says that finds all well."""
    return Finding(Reason.DEST_NOT_ALIVE, Severity.OK, "host/xs1", "all is well")

"""The plug-in in dom0 as the controller sees it, and agents that hand its answers on."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from chassis.errors import Refused, ServiceError, Violation
from tests.support import fake_answers
from tests.support.fake_agent import FakeAgent
from tests.support.fake_pool import FakePool
from xenferry.common.v1 import finding_pb2, reason_pb2
from xenferry.hostagent.v1 import pools_pb2

DONE = pools_pb2.POOL_OPERATION_OUTCOME_DONE
FAILED = pools_pb2.POOL_OPERATION_OUTCOME_FAILED
UNKNOWN = pools_pb2.POOL_OPERATION_OUTCOME_UNKNOWN
STOPPING = "shutting the agent VM down"


def finding(reason: str, subject: str, *xapi_error: str) -> finding_pb2.Finding:
    """Return an error that an agent tells."""
    return finding_pb2.Finding(
        reason=reason_pb2.Reason.Value(f"REASON_{reason}"),
        severity=finding_pb2.SEVERITY_ERROR,
        subject=subject,
        message=" ".join(xapi_error) or reason,
        xapi_error=xapi_error,
    )


class FakeDom0:
    """Each operation gets on by one stage a question: begun, agent stopped, ended."""

    def __init__(self) -> None:
        self.operations: dict[str, pools_pb2.PoolOperation] = {}
        self.hosts: dict[str, PoolAgent] = {}
        self.leaving: set[str] = set()
        self._of: dict[str, str] = {}
        self.held = ""
        """The phase in which nothing gets on."""
        self.refuses: tuple[str, ...] = ()
        """What XAPI says to the join or the ejection, once the agent VM is down."""
        self.rejects: tuple[str, ...] = ()
        """A reason and XAPI's error, before anything is touched."""
        self.busy = False
        self.reborn = False
        """Whether a host that was ejected is heard again, in a pool of its own."""
        self.down: set[str] = set()
        """Hosts whose agent VM does not run."""
        self.wiped: set[str] = set()
        """Hosts that were ejected and have no agent any more."""
        self.failing_starts = 0
        self.comes_back: Callable[[PoolAgent], Awaitable[None]] | None = None

    async def ask(
        self, operation_id: str, here: "PoolAgent", host_id: str = ""
    ) -> pools_pb2.PoolOperation:
        """Return how far an operation is, and carry it on; who it is of is told at first."""
        host = self.hosts[self._of.setdefault(operation_id, host_id)]
        known = self.operations.setdefault(
            operation_id,
            pools_pb2.PoolOperation(
                operation_id=operation_id, phase="begun", agent_state="untouched"
            ),
        )
        told = pools_pb2.PoolOperation()
        told.CopyFrom(known)
        if known.phase != self.held:
            await self._carry_on(known, here, host)
        return told

    async def _carry_on(self, known: Any, here: "PoolAgent", host: "PoolAgent") -> None:
        if known.phase == "begun" and self.rejects:
            known.phase, known.outcome = "ended", FAILED
            reason, *error = self.rejects
            known.errors.append(finding(reason, f"host/{host.host.name}", *error))
        elif known.phase == "begun":
            known.phase, known.agent_state = "stopping_agent", "stopped"
            known.notes.append(STOPPING)
            self.down.add(host.host.name)
        elif not known.outcome:
            await self._end(known, here, host)
        if known.outcome and known.agent_state in ("stopped", "failed"):
            await self._start_agent(known, host)

    async def _end(self, known: Any, here: "PoolAgent", host: "PoolAgent") -> None:
        known.phase = "ended"
        if self.refuses:
            known.outcome = FAILED
            error = finding("POOL_OPERATION_FAILED", f"host/{host.host.name}", *self.refuses)
            known.errors.append(error)
        elif known.operation_id in self.leaving:
            known.outcome, known.agent_state = DONE, "gone"
            self.down.discard(host.host.name)
            if self.reborn and self.comes_back is not None:
                host.be_alone()
                await self.comes_back(host)
            else:
                self.wiped.add(host.host.name)
        else:
            known.outcome = DONE
            host.belong_to(here)

    async def _start_agent(self, known: Any, host: "PoolAgent") -> None:
        known.agent_state = "running"
        del known.errors[1 if self.refuses else 0 :]
        if self.failing_starts:
            self.failing_starts -= 1
            known.agent_state = "failed"
            known.errors.append(finding("AGENT_NOT_RESTARTED", f"host/{host.host.name}", "NO_VM"))
            return
        self.down.discard(host.host.name)
        if self.comes_back is not None:
            await self.comes_back(host)


class PoolAgent(FakeAgent):
    """The agent of a host in a pool of its own, in a VM of that host."""

    def __init__(self, name: str, number: int, dom0: FakeDom0) -> None:
        super().__init__(FakePool(pool_id=f"5ea1ab1e-0000-4000-8000-{number:012}"), name)
        self.dom0 = dom0
        self.obstacles: list[finding_pb2.Finding] = []
        self.pool_obstacles: list[finding_pb2.Finding] = []
        self.stalls: dict[str, str] = {}
        """Which call never answers, and whether what it asks for is done: "before", "after"."""
        self.stalled = asyncio.Event()
        self.host.pool_name = f"pool of {name}"
        self.host.coordinator = True
        self.host.address = f"10.0.0.{number}"
        self.host.storage_repositories[0].shared = True
        self.host.default_sr_id = self.sr.sr_id
        dom0.hosts[self.host_id] = self

    def belong_to(self, coordinator: "PoolAgent") -> None:
        """Be a member of another host's pool from now on."""
        self.host.pool_id = coordinator.host.pool_id
        self.host.pool_name = coordinator.host.pool_name
        self.host.default_sr_id = coordinator.host.default_sr_id
        self.host.storage_repositories.extend(coordinator.host.storage_repositories)
        self.host.coordinator = False

    def be_alone(self) -> None:
        """Be the coordinator of a pool of one's own from now on."""
        self.host.pool_id, self.host.pool_name = self.pool.pool_id, "fresh"
        self.host.coordinator = True

    async def _stall(self, method: str, when: str) -> None:
        if self.stalls.get(method) == when:
            self.stalled.set()
            await asyncio.Event().wait()

    async def CheckCanJoinOnHost(
        self, request: pools_pb2.CheckCanJoinOnHostRequest, _: Any
    ) -> pools_pb2.CheckCanJoinOnHostResponse:
        """Tell of the host, and what stands against it."""
        await self._enter("CheckCanJoinOnHost", host_id=request.host_id)
        return pools_pb2.CheckCanJoinOnHostResponse(
            joiner=pools_pb2.JoinerFacts(host=self.host, pool_size=1), findings=self.obstacles
        )

    async def CheckCanJoinOnCoordinator(
        self, request: pools_pb2.CheckCanJoinOnCoordinatorRequest, _: Any
    ) -> pools_pb2.CheckCanJoinOnCoordinatorResponse:
        """Tell what stands against the host that is told of."""
        await self._enter("CheckCanJoinOnCoordinator", host_id=request.coordinator_id)
        passed = fake_answers.passed(f"host/{request.joiner.host.name}", "it could join")
        return pools_pb2.CheckCanJoinOnCoordinatorResponse(findings=[passed, *self.pool_obstacles])

    async def NamePool(
        self, request: pools_pb2.NamePoolRequest, _: Any
    ) -> pools_pb2.NamePoolResponse:
        """Name the pool."""
        lost = await self._enter("NamePool", host_id=request.coordinator_id)
        await self._stall("NamePool", "before")
        self.host.pool_name = request.name
        if self.dom0.comes_back is not None:
            await self.dom0.comes_back(self)
        await self._stall("NamePool", "after")
        self._reply(lost)
        return pools_pb2.NamePoolResponse(pool_id=self.host.pool_id)

    async def DesignateCoordinator(
        self, request: pools_pb2.DesignateCoordinatorRequest, _: Any
    ) -> pools_pb2.DesignateCoordinatorResponse:
        """Let another host coordinate the pool, at once."""
        lost = await self._enter("DesignateCoordinator", host_id=request.coordinator_id)
        other = self.dom0.hosts[request.host_id]
        self.host.coordinator, other.host.coordinator = False, True
        for each in (self, other):
            if self.dom0.comes_back is not None:
                await self.dom0.comes_back(each)
        self._reply(lost)
        return pools_pb2.DesignateCoordinatorResponse()

    async def JoinPool(self, request: pools_pb2.JoinPoolRequest, _: Any) -> pools_pb2.PoolOperation:
        """Hand it to dom0."""
        return await self._dom0("JoinPool", request)

    async def LeavePool(
        self, request: pools_pb2.LeavePoolRequest, _: Any
    ) -> pools_pb2.PoolOperation:
        """Hand it to dom0."""
        assert request.confirm_wipe
        self.dom0.leaving.add(request.operation_id)
        return await self._dom0("LeavePool", request)

    async def ObservePoolOperation(
        self, request: pools_pb2.ObservePoolOperationRequest, _: Any
    ) -> pools_pb2.PoolOperation:
        """Ask dom0."""
        await self._enter("ObservePoolOperation", host_id=request.coordinator_id)
        if request.operation_id not in self.dom0.operations:
            if self.dom0.busy:
                raise fake_answers.ERRORS["dom0_busy"]()
            return pools_pb2.PoolOperation(operation_id=request.operation_id, outcome=UNKNOWN)
        return await self.dom0.ask(request.operation_id, self)

    async def _dom0(self, method: str, request: Any) -> pools_pb2.PoolOperation:
        lost = await self._enter(method, host_id=request.coordinator_id)
        await self._stall(method, "before")
        answer = await self.dom0.ask(request.operation_id, self, request.host_id)
        await self._stall(method, "after")
        self._reply(lost)
        return answer


def refusal(reason: str, *error: str) -> Callable[[], ServiceError]:
    """Return what makes an agent's refusal with an error of dom0."""
    text = f"the pool can't be changed: {' '.join(error)}"
    told = [Violation("host/xs1", text, reason)]
    return lambda: Refused(reason, text, told, {"xapi_error": json.dumps(error)})


fake_answers.ERRORS["no_plugin"] = refusal(
    "POOL_PLUGIN_UNUSABLE", "XENAPI_MISSING_PLUGIN", "xenferry-pool"
)
fake_answers.ERRORS["dom0_busy"] = refusal("POOL_OPERATION_FAILED", "XENFERRY_BUSY")

"""RPCs of which one call breaks: which calls they make, and what is said then."""

from dataclasses import dataclass

from tests.service.hostagent.audit import FAULTS, NOT_DONE, READS, end, twice
from tests.service.hostagent.quayside import DEST, SOURCE, Quay, Staged
from tests.service.hostagent.rpc_rows import CAME, IN_DOUBT, Rpc, said

AGENTS = {f"xenferry-hostagent/{host}" for host in (SOURCE, DEST)}
# How an agent hears of everything, whatever is asked of it.
HEARING = {"event.from", "session.login_with_password"}
TIMES = 3


def is_read(method: str) -> bool:
    """Tell whether a call changes nothing."""
    return method.rpartition(".")[2].startswith(READS)


def calls(quay: Quay, since: int) -> list[str]:
    """Return what the agents of the pool have asked since then, each once, in order."""
    asked = [
        call["method"]
        for call in quay.simulator.trace(since)
        if call["originator"] in AGENTS and call["outcome"][0] not in NOT_DONE
    ]
    return [method for method in dict.fromkeys(asked) if method not in HEARING]


@dataclass(slots=True)
class Striking:
    """An RPC and a guest for it; a guest with whom it has nothing to do any more is replaced."""

    quay: Quay
    rpc: Rpc
    changes: bool = True
    staged: Staged | None = None

    async def ready(self) -> Staged:
        """Bring a guest so far that the RPC has work to do."""
        if self.staged is None:
            await self.quay.stocked()
            self.staged = await self.rpc.stage(self.quay)
            self.quay.disks_of(self.staged.trip.guest)
        return self.staged

    async def made(self) -> list[str]:
        """Return the calls of the RPC when nothing is wrong."""
        staged = await self.ready()
        since = self.quay.counted.now()
        assert await said(self.rpc, staged) == self.rpc.well
        found = calls(self.quay, since)
        self.changes = not all(map(is_read, found))
        await self.settle(self.rpc.well)
        return found

    async def word(self, fault: str, method: str) -> str:
        """Return what is said when the first such call breaks; '' where none was made."""
        for _ in range(TIMES):
            word = await self.strike(fault, method)
            if word:
                return word
            await self.over()
        return ""

    async def strike(self, fault: str, *methods: str) -> str:
        """Return what is said when the first call of each method breaks; '' where none did."""
        staged, simulator = await self.ready(), self.quay.simulator
        since = self.quay.counted.now()
        armed = [simulator.fault(**FAULTS[fault], method=one, nth=1) for one in methods]
        word = await said(self.rpc, staged)
        assert twice(simulator, since) == []
        struck = set(methods) & set(calls(self.quay, since))
        for one in armed:
            simulator.lift(one)
        assert struck or word in self.over_with(fault), (methods, word)
        await self.settle(word)
        return word if struck else ""

    def over_with(self, fault: str) -> set[str]:
        """Return what is said when all was done before, or may have been begun before."""
        begun = {IN_DOUBT} if fault == "dropped reply" else set[str]()
        return {self.rpc.well, CAME, *begun}

    async def settle(self, word: str) -> None:
        """A guest whose RPC has ended is of no more use; one that only looks can ask again."""
        if self.changes and word in (self.rpc.well, CAME, IN_DOUBT):
            await self.over()

    async def over(self) -> None:
        """End what was begun, and see that nothing is left of it."""
        if self.staged is not None:
            self.quay.simulator.clear_faults()
            staged, self.staged = self.staged, None
            await end(staged)

"""Whatever happens: a client that follows event.from always has the server's state."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.contract.xapisim.pools import SmallPool

CLASSES = ("VM", "host", "task", "SR", "PBD", "VBD", "message")
WORDS = st.sampled_from(["a", "b", "c"])


class Follower:
    """Keeps a copy of some tables by events alone."""

    def __init__(self, pool: SmallPool) -> None:
        self._pool = pool
        self._token = ""
        self.tables: dict[str, dict[str, dict[str, Any]]] = {name.lower(): {} for name in CLASSES}

    def catch_up(self) -> None:
        events, self._token = self._pool.events(CLASSES, self._token)
        for event in events:
            table = self.tables[event["class"]]
            if event["operation"] == "del":
                table.pop(event["ref"], None)
            else:
                table[event["ref"]] = dict(event["snapshot"])


class EventStream(RuleBasedStateMachine):
    """Changes of every kind in any order, with looks in between or not."""

    def __init__(self) -> None:
        super().__init__()
        self._scratch = tempfile.TemporaryDirectory(prefix="xapisim-")
        self.pool = SmallPool(Path(self._scratch.name))
        self.follower = Follower(self.pool)
        self.tasks: list[str] = []

    @initialize()
    def look_at_everything(self) -> None:
        self.follower.catch_up()

    @rule(text=WORDS, vm=st.integers(0, 3))
    def rename(self, text: str, vm: int) -> None:
        self.pool.call("VM.set_name_description", self.pool.vms[vm], text)

    @rule(key=WORDS, vm=st.integers(0, 3))
    def tag(self, key: str, vm: int) -> None:
        self.pool.call("VM.add_tags", self.pool.vms[vm], key)

    @rule(vm=st.integers(0, 3), host=st.integers(0, 1))
    def migrate(self, vm: int, host: int) -> None:
        self.pool.try_call("VM.pool_migrate", self.pool.vms[vm], self.pool.hosts[host], {})

    @rule(label=WORDS)
    def make_task(self, label: str) -> None:
        self.tasks.append(self.pool.call("task.create", label, ""))

    @rule()
    def end_task(self) -> None:
        if self.tasks:
            task = self.tasks.pop()
            self.pool.call("task.set_status", task, "success")
            self.pool.call("task.destroy", task)

    @rule(host=st.integers(0, 1), enabled=st.booleans())
    def maintain(self, host: int, enabled: bool) -> None:
        name = "host.enable" if enabled else "host.disable"
        self.pool.try_call(name, self.pool.hosts[host])

    @rule()
    def look(self) -> None:
        self.follower.catch_up()

    @invariant()
    def relations_agree(self) -> None:
        assert self.pool.broken_relations() == []

    def teardown(self) -> None:
        self.follower.catch_up()
        for name in CLASSES:
            assert self.follower.tables[name.lower()] == self.pool.records(name)
        self.pool.close()
        self._scratch.cleanup()


EventStream.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestEventStream = EventStream.TestCase

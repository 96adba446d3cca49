"""Whatever happens: a client that follows event.from always has the server's state."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.contract.xapisim.pools import SmallPool

CLASSES = ("VM", "host", "task", "SR", "PBD", "VBD", "VDI", "VIF", "network", "console", "message")
POWER = st.sampled_from(["start", "hard_shutdown", "hard_reboot", "pause", "unpause", "suspend"])
FLAGS = {"start": [False, False]}
DISK = {
    "name_label": "added",
    "name_description": "",
    "virtual_size": "1073741824",
    "type": "user",
    "sharable": False,
    "read_only": False,
    "other_config": {},
}
DRIVE = {
    "bootable": False,
    "mode": "RW",
    "type": "Disk",
    "empty": False,
    "other_config": {},
    "qos_algorithm_type": "",
    "qos_algorithm_params": {},
}
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

    @rule(vm=st.integers(0, 3), operation=POWER)
    def power(self, vm: int, operation: str) -> None:
        self.pool.try_call(f"VM.{operation}", self.pool.vms[vm], *FLAGS.get(operation, []))

    @rule(vm=st.integers(0, 3))
    def add_disk(self, vm: int) -> None:
        (sr,) = self.pool.call("SR.get_all")
        disk = self.pool.call("VDI.create", {**DISK, "SR": sr})
        places = self.pool.call("VM.get_allowed_VBD_devices", self.pool.vms[vm])
        drive = {**DRIVE, "VM": self.pool.vms[vm], "VDI": disk, "userdevice": places[0]}
        self.pool.try_call("VBD.plug", self.pool.call("VBD.create", drive))

    @rule(number=st.integers(0, 9), call=st.sampled_from(["unplug", "unplug_force", "destroy"]))
    def take_drive(self, number: int, call: str) -> None:
        drives = self.pool.call("VBD.get_all")
        self.pool.try_call(f"VBD.{call}", drives[number % len(drives)])

    @rule(number=st.integers(0, 9), call=st.sampled_from(["destroy", "snapshot", "forget"]))
    def treat_disk(self, number: int, call: str) -> None:
        disks = self.pool.call("VDI.get_all")
        more: list[Any] = [{}] if call == "snapshot" else []
        self.pool.try_call(f"VDI.{call}", disks[number % len(disks)], *more)

    @rule(vm=st.integers(0, 3), call=st.sampled_from(["snapshot", "clone"]))
    def duplicate(self, vm: int, call: str) -> None:
        more: list[Any] = [[]] if call == "snapshot" else []
        self.pool.try_call(f"VM.{call}", self.pool.vms[vm], "copy", *more)

    @rule(number=st.integers(0, 9), call=st.sampled_from(["revert", "destroy"]))
    def treat_copy(self, number: int, call: str) -> None:
        copies = self.pool.call("VM.get_by_name_label", "copy")
        if copies:
            self.pool.try_call(f"VM.{call}", copies[number % len(copies)])

    @rule(host=st.integers(0, 1))
    def evacuate(self, host: int) -> None:
        self.pool.try_call("host.evacuate", self.pool.hosts[host])

    @rule(number=st.integers(0, 9), call=st.sampled_from(["plug", "unplug", "destroy"]))
    def treat_connection(self, number: int, call: str) -> None:
        connections = self.pool.call("PBD.get_all")
        if connections:
            self.pool.try_call(f"PBD.{call}", connections[number % len(connections)])

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

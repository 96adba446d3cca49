"""Whatever happens: a client that follows event.from always has the server's state."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.contract.xapisim.pools import LONE, SmallPool

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
WATCHED = {"migrate", "send", "move_disk", "visit", "return", "join", "eject", "power", "evacuate"}
"""Rules whose calls may be refused, and must not always be."""
EFFECTS: Counter[str] = Counter()
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
        self.lone = SmallPool(Path(self._scratch.name), LONE, beside=self.pool)
        self.joined = ""
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
        guest, where = self.pool.vms[vm], self.pool.hosts[host]
        self.count("migrate", self.pool.try_call("VM.pool_migrate", guest, where, {}))

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
        more = FLAGS.get(operation, [])
        self.count("power", self.pool.try_call(f"VM.{operation}", self.pool.vms[vm], *more))

    @rule(vm=st.integers(0, 3))
    def add_disk(self, vm: int) -> None:
        sr = self.pool.call("SR.get_by_name_label", "nfs")[0]
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
        self.count("evacuate", self.pool.try_call("host.evacuate", self.pool.hosts[host]))

    @rule(number=st.integers(0, 9), call=st.sampled_from(["plug", "unplug", "destroy"]))
    def treat_connection(self, number: int, call: str) -> None:
        connections = self.pool.call("PBD.get_all")
        if connections:
            self.pool.try_call(f"PBD.{call}", connections[number % len(connections)])

    def count(self, rule: str, refusal: list[str]) -> None:
        if not refusal:
            EFFECTS[rule] += 1

    @rule(vm=st.integers(0, 3), host=st.integers(0, 1))
    def send(self, vm: int, host: int) -> None:
        """With its disks, inside the pool."""
        sr = self.pool.call("SR.get_by_name_label", "nfs")[0]
        where = self.pool.hosts[host]
        self.count("send", self.pool.send(self.pool.vms[vm], self.pool, where, sr))

    @rule(vm=st.integers(0, 3))
    def move_disk(self, vm: int) -> None:
        sr = self.pool.call("SR.get_by_name_label", "nfs")[0]
        for drive in self.pool.call("VM.get_VBDs", self.pool.vms[vm])[:1]:
            disk = self.pool.call("VBD.get_VDI", drive)
            self.count("move_disk", self.pool.try_call("VDI.pool_migrate", disk, sr, {}))

    @rule(vm=st.integers(0, 3))
    def visit(self, vm: int) -> None:
        """To the other pool and back, if that has storage; who can't come back is forgotten."""
        depots = [] if self.joined else self.lone.call("SR.get_all")
        if not depots:
            return
        here = self.pool.vms[vm]
        uuid = self.pool.call("VM.get_uuid", here)
        refusal = self.pool.send(here, self.lone, self.lone.hosts[0], depots[0])
        self.count("visit", refusal)
        if not refusal:
            there = self.lone.call("VM.get_by_uuid", uuid)
            sr = self.pool.call("SR.get_by_name_label", "nfs")[0]
            self.count("return", self.lone.send(there, self.pool, self.pool.hosts[0], sr))
            back = [vm for vm in self.pool.call("VM.get_all") if self.is_called(vm, uuid)]
            self.pool.vms[vm] = next(iter(back), self.pool.vms[vm - 1])

    def is_called(self, vm: str, uuid: str) -> bool:
        return bool(self.pool.call("VM.get_uuid", vm) == uuid)

    @rule()
    def join(self) -> None:
        if not self.joined:
            known = set(self.pool.call("host.get_all"))
            self.count("join", self.lone.try_call("pool.join", "h0:80", "root", "x"))
            self.pool.settle()
            new = set(self.pool.call("host.get_all")) - known
            self.joined = next(iter(new), "")

    @rule()
    def eject(self) -> None:
        if self.joined:
            refused = self.pool.try_call("pool.eject", self.joined)
            self.count("eject", refused)
            self.pool.settle()
            if not refused:
                self.lone.follow("f0")
                self.joined = ""

    @rule()
    def look(self) -> None:
        self.follower.catch_up()

    @invariant()
    def relations_agree(self) -> None:
        assert self.pool.broken_relations() == []

    def teardown(self) -> None:
        self.pool.settle()
        self.follower.catch_up()
        for name in CLASSES:
            assert self.follower.tables[name.lower()] == self.pool.records(name)
        self.pool.close()
        self._scratch.cleanup()


def test_a_follower_has_the_servers_state_and_every_kind_of_change_took_place() -> None:
    EFFECTS.clear()

    run_state_machine_as_test(
        EventStream,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )

    assert {name for name in WATCHED if not EFFECTS[name]} == set()

"""Two pools in one simulator, and an operator's own line to each."""

import http.client
import json
import uuid
import xmlrpc.client
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import XenAPI

from tests.service.hostagent.pool import DEADLINE_S, Guest
from tests.support.sim import Simulator

NEAR = """
[pool]
name = "near"
[[host]]
name = "n1"
memory = "512 GiB"
[[host]]
name = "n2"
memory = "512 GiB"
[[network]]
name = "lan"
[[network]]
name = "backup"
bridge = "xenbr9"
[[sr]]
name = "shared"
[[sr]]
name = "discs"
type = "iso"
[[sr]]
name = "n1-local"
host = "n1"
[[sr]]
name = "n2-local"
host = "n2"
[[vm]]
name = "shared-{n:02d}"
count = 24
memory = "256 MiB"
host = "n1"
disks = [{ sr = "shared", size = "64 MiB" }]
networks = ["lan"]
[[vm]]
name = "shared-model"
state = "Halted"
memory = "256 MiB"
disks = [{ sr = "shared", size = "64 MiB" }]
networks = ["lan"]
[[vm]]
name = "local-{n:02d}"
count = 24
memory = "256 MiB"
host = "n1"
cd = "discs"
disks = [{ sr = "shared", size = "64 MiB" }, { sr = "n1-local", size = "128 MiB" }]
networks = ["lan"]
[[vm]]
name = "local-model"
state = "Halted"
memory = "256 MiB"
cd = "discs"
disks = [{ sr = "shared", size = "64 MiB" }, { sr = "n1-local", size = "128 MiB" }]
networks = ["lan"]
[[vm]]
name = "backed-1"
memory = "256 MiB"
host = "n1"
disks = [{ sr = "n1-local", size = "64 MiB" }]
networks = ["lan", "backup"]
[[vm]]
name = "backed-2"
memory = "256 MiB"
host = "n1"
disks = [{ sr = "n1-local", size = "64 MiB" }]
networks = ["lan", "backup"]
[[vm]]
name = "told-{n}"
count = 2
memory = "256 MiB"
host = "n1"
disks = [{ sr = "n1-local", size = "64 MiB" }]
networks = [{ network = "lan", address = "10.0.0.77" }]
[[vm]]
name = "infra-1"
memory = "256 MiB"
host = "n1"
disks = [{ sr = "n1-local", size = "64 MiB" }]
other_config = { "xenferry:protected" = "true" }
[[vm]]
name = "blocked-1"
memory = "256 MiB"
host = "n1"
disks = [{ sr = "n1-local", size = "64 MiB" }]
blocked_operations = { migrate_send = "closing the books" }
"""
FAR = """
[pool]
name = "far"
[[host]]
name = "f1"
memory = "512 GiB"
[[network]]
name = "lan"
[[network]]
name = "vault"
bridge = "xenbr9"
[[sr]]
name = "depot"
[[sr]]
name = "attic"
[[sr]]
name = "discs"
type = "iso"
[[vm]]
name = "reader"
memory = "256 MiB"
state = "Halted"
cd = "discs"
"""
FACTOR = 100.0
MARKABLE = ("SR", "PBD", "VDI", "network", "host")
CHAP = "open-sesame"
TARGET = {
    "target": "10.0.0.9",
    "targetIQN": "iqn.2012-07.example:vol",
    "chapuser": "xen",
    "chappassword": CHAP,
}


class Pool:
    """An operator's own line to one pool."""

    def __init__(self, simulator: Simulator, host: str) -> None:
        self._raw: Any = xmlrpc.client.ServerProxy(simulator.endpoints[host])
        session = XenAPI.Session(simulator.endpoints[host])
        session.xenapi.login_with_password(simulator.user, simulator.password, "1.0", "operator")
        self.api: Any = session.xenapi
        self._session = session
        self._address = simulator.endpoints[host].removeprefix("http://")

    def one(self, kind: str, name: str) -> str:
        """Return the reference of the only object of a name."""
        (ref,) = getattr(self.api, kind).get_by_name_label(name)
        return str(ref)

    def uuid(self, kind: str, name: str) -> str:
        """Return the uuid of the only object of a name."""
        return str(getattr(self.api, kind).get_uuid(self.one(kind, name)))

    def all(self, kind: str) -> dict[str, Any]:
        """Return every record of a class."""
        return self._tables((kind,))[kind]

    def _tables(self, kinds: Sequence[str]) -> dict[str, dict[str, Any]]:
        """As JSON, which takes a tenth of XML's time."""
        self.api.pool.get_all()  # logs in again after a restart
        line = http.client.HTTPConnection(self._address, timeout=DEADLINE_S)
        found = {}
        for kind in kinds:
            call = {"method": f"{kind}.get_all_records", "params": [self._session.handle], "id": 1}
            line.request("POST", "/jsonrpc", json.dumps(call))
            found[kind] = json.load(line.getresponse())["result"]
        line.close()
        return found

    def vm(self, uuid: str) -> dict[str, Any] | None:
        """Return the record of a VM, or None."""
        try:
            record: dict[str, Any] = self.api.VM.get_record(self.api.VM.get_by_uuid(uuid))
        except XenAPI.Failure:
            return None
        return record

    def add_volume(
        self, guest: Guest, *, shared: bool = True, target: dict[str, str] | None = None
    ) -> str:
        """Attach a volume to a guest as a raw iSCSI SR of n1 alone, and return the SR."""
        api = self.api
        name = f"vol-{guest.name}"
        sr = api.SR.introduce(str(uuid.uuid4()), name, "", "iscsi", "", shared, {})
        pbd = {"host": self.one("host", "n1"), "SR": sr, "device_config": target or TARGET}
        api.PBD.plug(api.PBD.create(pbd))
        disk: Any = (str(uuid.uuid4()), name, "", sr, "user", False, False, {}, name, {}, {})
        vdi = api.VDI.introduce(*disk)
        vbd = api.VBD.create(
            {
                "VM": guest.ref,
                "VDI": vdi,
                "userdevice": "autodetect",
                "bootable": False,
                "mode": "RW",
                "type": "Disk",
                "empty": False,
                "other_config": {},
                "qos_algorithm_type": "",
                "qos_algorithm_params": {},
            }
        )
        api.VBD.plug(vbd)
        return str(sr)

    def drives(self, guest: Guest) -> dict[str, str]:
        """Return the name of the CD in each CD drive of a guest, by position; empty: none."""
        vm = self.vm(guest.uuid) or {"VBDs": []}
        vbds = [self.api.VBD.get_record(vbd) for vbd in vm["VBDs"]]
        return {
            vbd["userdevice"]: "" if vbd["empty"] else self.api.VDI.get_name_label(vbd["VDI"])
            for vbd in vbds
            if vbd["type"] == "CD"
        }

    def joined(self, sr: str) -> dict[str, Any]:
        """Return the PBD of each host that is joined to an SR, by the host's name."""
        api = self.api
        pbds = [api.PBD.get_record(pbd) for pbd in api.SR.get_PBDs(sr)]
        return {api.host.get_name_label(pbd["host"]): pbd for pbd in pbds}

    def session_lives(self, session: str) -> bool:
        """Tell whether XAPI knows a session."""
        return bool(self._raw.session.get_uuid(session, session)["Status"] == "Success")

    def marked(self, guest: Guest) -> set[str]:
        """Return what bears a migration's mark or its entry in the book, as kind/uuid."""
        migration_id, found = guest.fence.migration_id, set()
        vm = self.vm(guest.uuid)
        rows = {"VM": {"": vm}} if vm else {}
        for kind, records in (rows | self._tables(MARKABLE)).items():
            for row in records.values():
                config = row["other_config"]
                open_ = f"xenferry:open:{migration_id}" in config
                if open_ or config.get("xenferry:migration_id") == migration_id:
                    found.add(f"{kind}/{row['uuid']}")
        return found


class Starts:
    """Counts how often XAPI was asked to move each guest; reads each call of the trace once."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._seen = 0
        self._by_guest: Counter[str] = Counter()

    def now(self) -> int:
        """Return the number of the last call."""
        for call in self._simulator.trace(self._seen):
            self._seen = max(self._seen, call["number"])
            if call["method"] in ("Async.VM.pool_migrate", "Async.VM.migrate_send"):
                self._by_guest.update(one for one in call["params"] if isinstance(one, str))
        return self._seen

    def of(self, guest: Guest) -> int:
        """Return the count of a guest."""
        self.now()
        return self._by_guest[guest.ref]


def two_pools(scratch: Path) -> Simulator:
    """Start the simulator of both pools."""
    far = scratch / "far.toml"
    far.write_text(FAR)
    return Simulator(NEAR, far, time_factor=FACTOR)

"""The code of dom0's plug-in, loaded as dom0 loads it, with XAPIs in memory."""

import importlib
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from deploy.demo.stack import ROOT
from tests.support.fake_xapis import AGENT_VM, JOINER, PASSWORD, Doors, Xapis

MODULES = ("xenferry_pool_state", "xenferry_pool_xapi", "xenferry_pool_work")
# Each row is on disk before the next act, and the tables have thousands of rows.
QUICK_DISK = Path("/dev") / "shm"
_numbers = itertools.count(1)


class Killed(BaseException):
    """The process is gone."""


@dataclass(frozen=True, slots=True)
class Dom0:
    """The plug-in's code, and the XAPIs that it reaches."""

    doors: Doors
    secrets: Path
    directory: Path
    state: ModuleType
    work: ModuleType

    def xapis(self, kind: str) -> Xapis:
        """Have fresh XAPIs: the host is where an operation of this kind finds it."""
        self.doors.xapis = Xapis(member=kind == "leave")
        return self.doors.xapis

    def begin(self, kind: str) -> str:
        """Write the record of an operation, as the plug-in's call does, and return its id."""
        operation_id = f"op-{next(_numbers)}"
        self.record(operation_id).write(
            operation_id=operation_id,
            kind=kind,
            host_id=JOINER,
            address="10.0.0.2",
            agent_vm=AGENT_VM,
            force="",
            phase="begun",
            outcome="",
            agent="untouched",
            error=[],
            agent_error=[],
            notes=[],
        )
        return operation_id

    def believe(self, password: str) -> None:
        """Have dom0 take this for the password."""
        self.secrets.write_text(json.dumps({"user": "root", "password": password}))

    def record(self, operation_id: str) -> Any:
        """Read the record of an operation."""
        return self.state.Record(operation_id)

    def run(self, operation_id: str) -> Any:
        """Work on an operation until nothing is left, as further questions make it; its record."""
        for _ in range(3):
            record = self.record(operation_id)
            if record.values["phase"] == "ended" and not record.unfinished:
                break
            self.work.work(record)
        return self.record(operation_id)

    def run_dying(self, operation_id: str, write: int, *, before: bool) -> None:
        """Work on an operation, and die at so many a write of its record."""
        record, writes = self.record(operation_id), itertools.count(1)
        whole = record.write

        def mortal(**values: object) -> None:
            due = next(writes) == write
            if due and before:
                raise Killed
            whole(**values)
            if due:
                raise Killed

        record.write = mortal
        with pytest.raises(Killed):
            self.work.work(record)


@contextmanager
def loaded() -> Iterator[Dom0]:
    """Load the modules, and forget them afterwards."""
    quick = QUICK_DISK if QUICK_DISK.is_dir() else None
    with (
        tempfile.TemporaryDirectory(dir=quick) as scratch,
        pytest.MonkeyPatch.context() as patch,
    ):
        secrets, kept, doors = Path(scratch, "pool.json"), Path(scratch, "state"), Doors()
        kept.mkdir()
        patch.setenv("XENFERRY_POOL_SECRETS", str(secrets))
        patch.setenv("XENFERRY_POOL_STATE", str(kept))
        patch.setenv("XENFERRY_POOL_RETRY_S", "0.01")
        patch.setenv("XENFERRY_POOL_PATIENCE_S", "1")
        patch.setattr(sys, "path", [f"{ROOT}/deploy/dom0", *sys.path])
        state, xapi, work = [importlib.import_module(name) for name in MODULES]
        patch.setattr(xapi, "connect", doors.connect)
        dom0 = Dom0(doors, secrets, kept, state, work)
        dom0.believe(PASSWORD)
        yield dom0
        for name in MODULES:
            del sys.modules[name]

"""Task rows: how a task begins, reports and ends, in the order of writes that XAPI makes.

A row may vanish under a running job (task GC, a restarted toolstack, a fault); every write
tolerates that, because the work goes on without it.
"""

from collections.abc import Callable

from xapisim.classes.pool import Pool
from xapisim.errors import XapiError
from xapisim.values import EPOCH, NULL, Value

MAX_TASKS = 200
"""XAPI destroys the oldest finished tasks beyond this many."""

Cancel = Callable[[], None]


class Tasks:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._db = pool.database
        self._cancels: dict[str, Cancel] = {}
        self._doomed: set[str] = set()
        self._early: set[str] = set()

    def create(self, label: str, host: str, description: str = "", parent: str = NULL) -> str:
        self._forget_oldest()
        fields = {
            "name_label": label,
            "name_description": description,
            "created": self._pool.clock.stamp(),
            "finished": EPOCH,
            "status": "pending",
            "resident_on": host,
            "type": "<none/>",
            "subtask_of": parent,
            "backtrace": "()",
        }
        return self._pool.add("task", fields)

    def exists(self, ref: str) -> bool:
        return self._db.has("task", ref)

    def write(self, ref: str, /, **values: Value) -> None:
        if self._db.has("task", ref):
            self._db.write("task", ref, values)

    def note(self, ref: str, key: str, value: str) -> None:
        """Adds to other_config what XAPI itself keeps there."""
        if self._db.has("task", ref):
            config = self._db.read("task", ref, "other_config")
            self.write(ref, other_config={**config, key: value})

    def succeed(self, ref: str, result: str) -> None:
        """`result` is the XML-RPC text of the value. A task that has ended stays as it ended."""
        if not self._is_pending(ref):
            return
        self.uncancellable(ref)
        self.write(
            ref,
            allowed_operations=[],
            finished=self._pool.clock.stamp(),
            progress=1.0,
            result=result,
            status="success",
        )
        self._drop_if_doomed(ref)

    def fail(self, ref: str, error: XapiError) -> None:
        self._end(ref, "failure", error.description)

    def end_cancelled(self, ref: str) -> None:
        """A task that its user cancelled carries no error (recorded on xapi 26.17)."""
        self._end(ref, "cancelled", [])

    def _is_pending(self, ref: str) -> bool:
        return self._db.has("task", ref) and self._db.read("task", ref, "status") == "pending"

    def _end(self, ref: str, status: str, error_info: list[str]) -> None:
        if not self._is_pending(ref):
            return
        self.uncancellable(ref)
        self.write(
            ref,
            progress=1.0,
            error_info=error_info,
            finished=self._pool.clock.stamp(),
            allowed_operations=[],
            status=status,
        )
        self._drop_if_doomed(ref)

    def doom(self, ref: str) -> None:
        """The row will vanish as soon as the task ends (a fault)."""
        self._doomed.add(ref)

    def _drop_if_doomed(self, ref: str) -> None:
        if ref in self._doomed:
            self._doomed.remove(ref)
            self.destroy(ref)

    def destroy(self, ref: str) -> None:
        self._cancels.pop(ref, None)
        if self._db.has("task", ref):
            self._db.delete("task", ref)

    def cancellable(self, ref: str, cancel: Cancel) -> None:
        """From here on task.cancel has an effect; before, it is answered and lost."""
        self._cancels[ref] = cancel
        self.write(ref, allowed_operations=["cancel"])

    def was_cancelled_early(self, ref: str) -> bool:
        """Whether a fault lets a cancel win that came too early: XAPI loses some, not all."""
        return ref in self._early

    def uncancellable(self, ref: str) -> None:
        if self._cancels.pop(ref, None) is not None:
            self.write(ref, allowed_operations=[])

    def cancel(self, ref: str) -> None:
        """Marks the task, whether it can still be cancelled or not."""
        asked_by = f"DummyRef:|{self._pool.ids.fresh_uuid()}|task.cancel"
        self.write(ref, current_operations={asked_by: "cancel"})
        cancel = self._cancels.get(ref)
        if cancel is not None:
            cancel()
        elif self._is_pending(ref) and self._pool.faults.is_armed("early_cancel_wins"):
            self._early.add(ref)

    def forget_all(self) -> None:
        """Tasks don't survive a restart of the coordinator's toolstack; the work they stood for
        does.
        """
        for ref in self._db.refs("task"):
            self.destroy(ref)

    def _forget_oldest(self) -> None:
        rows = self._db.tables["task"].rows
        if len(rows) < MAX_TASKS:
            return
        for row in list(rows.values()):
            if row.fields["status"] != "pending":
                self.destroy(row.ref)
                return

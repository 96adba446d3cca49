"""The worlds of recordings: a dump with a patch applied, and what a served pool looks like as a
dump.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import replay_wire
from tests.support.sim import Simulator

Records = dict[str, dict[str, dict[str, Any]]]
GOLDEN = Path(__file__).parents[1] / "golden" / "xapi"
_NEVER_LISTED = frozenset({"VBD_metrics", "VIF_metrics", "VMPP"})


def load(name: str) -> Any:
    return json.loads((GOLDEN / name).read_text())


def patched(world: Records, patch: Records) -> Records:
    """The world with a transcript's patch: fields replaced, `$added` records, null for gone."""
    changed = {name: dict(records) for name, records in world.items()}
    for name, records in patch.items():
        rows = changed.setdefault(name, {})
        for ref, change in records.items():
            if change is None:
                rows.pop(ref, None)
            elif "$added" in change:
                rows[ref] = change["$added"]
            else:
                rows[ref] = {**rows[ref], **change}
    return changed


@contextmanager
def session(sim: Simulator, host: str) -> Iterator[Callable[..., Any]]:
    """Calls in a session of their own."""
    url = sim.endpoints[host]

    def call(method: str, *params: Any) -> Any:
        return replay_wire.send(url, "jsonrpc2", method, list(params))["result"]

    ref = call("session.login_with_password", sim.user, sim.password, "1.0", "replay")
    yield lambda method, *params: call(method, ref, *params)
    call("session.logout", ref)


def dumped(sim: Simulator, host: str, classes: list[str]) -> Records:
    """All records of these classes as the server has them now."""
    listed = [name for name in classes if name not in _NEVER_LISTED]
    with session(sim, host) as call:
        return {name: call(f"{name}.get_all_records") for name in listed}


def destroyed(sim: Simulator, host: str, class_name: str, refs: list[str]) -> None:
    with session(sim, host) as call:
        for ref in refs:
            call(f"{class_name}.destroy", ref)

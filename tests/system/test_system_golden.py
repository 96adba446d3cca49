"""What others rely on without a contract: the journal of each ending, XAPI calls, metric names."""

import http.client
import re
from collections import Counter
from collections.abc import Callable

from deploy.demo import simulator
from tests.support.stack import Stack, open_migration, wait_at_rest
from xenferry.controller.v1 import migration_pb2

CACHE_1 = "5d0c1b3e-7a52-4d0f-9c55-000000000103"  # on xs2 when the world begins
Golden = Callable[[str, str], None]

# The agents read the pool all the time, whether a migration is under way or not.
ALL_THE_TIME = {"event.from", "host.compute_free_memory"}
READ = re.compile(r"\.(get_|assert_)")


def journal(migration: migration_pb2.Migration) -> str:
    """Return the journal as an operator reads it, without times."""
    rows = []
    for row in migration.journal:
        event = migration_pb2.JournalEvent.Name(row.event).removeprefix("JOURNAL_EVENT_").lower()
        rows.append(f"{row.sequence:2}  {row.step:18}  {event:8}  {row.note}".rstrip())
    state = migration_pb2.MigrationState.Name(migration.state).removeprefix("MIGRATION_STATE_")
    # References are new in every run.
    return re.sub(r"OpaqueRef:[\w-]+", "OpaqueRef:…", "\n".join([*rows, state, ""]))


def calls_since(stack: Stack, number: int) -> str:
    """Return what each agent asked of XAPI: changes with their number, reads by name."""
    counted: Counter[str] = Counter()
    for call in simulator.calls_since(stack.control, number):
        method, agent = call["method"], call["originator"].rpartition("/")[2]
        if method not in ALL_THE_TIME:
            counted[f"{agent}  {method}"] += 0 if READ.search(method) else 1
    lines = [f"{name}{f'  {count}' if count else ''}" for name, count in counted.items()]
    return "\n".join([*sorted(lines), ""])


def metric_names(address: str) -> str:
    """Return the names and kinds of our metrics."""
    connection = http.client.HTTPConnection(address, timeout=5)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    kinds = re.findall(r"^# TYPE ((?:xenferry|grpc)_\w+ \w+)$", text, re.M)
    return "\n".join([*sorted(kind for kind in kinds if "_created" not in kind), ""])


def moved(stack: Stack) -> migration_pb2.Migration:
    """Move cache-1 to xs1, or try to, and return the migration at rest."""
    return wait_at_rest(stack, open_migration(stack, CACHE_1, "xs1"))


def test_what_operators_and_dashboards_see_is_as_it_was(stack: Stack, golden: Golden) -> None:
    simulator.arm(stack.control, fault="fail_migration", phase="precopy", vm="cache-1", nth=1)
    golden("journal-rolled-back.txt", journal(moved(stack)))
    before = simulator.calls_since(stack.control)[-1]["number"]

    golden("journal-succeeded.txt", journal(moved(stack)))

    golden("xapi-calls-shared-storage.txt", calls_since(stack, before))
    golden("metrics-controller.txt", metric_names(str(stack.controller.ready["http"])))
    golden("metrics-hostagent.txt", metric_names(str(stack.agents["xs2"].ready["http"])))

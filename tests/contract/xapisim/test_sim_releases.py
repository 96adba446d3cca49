"""A pool of an older release knows the calls of its time."""

from collections.abc import Iterator

import pytest
import XenAPI

from tests.contract.xapisim.client import Client
from tests.support.sim import Simulator

WORLD = """
[pool]
name = "old"
[[host]]
name = "h1"
version = "{version}"
{more}
[[network]]
name = "lan"
[[sr]]
name = "nfs"
[[vm]]
name = "app"
memory = "256 MiB"
host = "h1"
"""
NEWEST = "8.3"


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    version, more = request.param
    with Simulator(WORLD.format(version=version, more=more)) as sim:
        yield Client(sim, "h1")


@pytest.mark.parametrize(
    ("client", "unknown", "known"),
    [
        (("6.0", ""), ["VM.migrate_send", "host.migrate_receive"], ["VM.pool_migrate"]),
        (("6.1", ""), ["VM.set_domain_type", "task.set_progress"], ["VM.migrate_send"]),
        (("6.2", ""), ["task.set_progress"], ["host.migrate_receive"]),
        (("7.0", ""), ["task.set_progress", "VM.set_domain_type"], ["VM.migrate_send"]),
        (("8.2", ""), ["VM_group.get_all"], ["VM.set_domain_type", "task.set_progress"]),
        ((NEWEST, 'xapi_build = "23.1.0"'), ["VM_group.get_all"], ["task.set_progress"]),
        ((NEWEST, ""), [], ["VM_group.get_all", "VM.migrate_send"]),
    ],
    indirect=["client"],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else "",
)
def test_a_call_of_a_later_release_is_unknown(
    client: Client, unknown: list[str], known: list[str]
) -> None:
    def answer(name: str) -> list[str]:
        class_, method = name.split(".")
        arguments = [] if method == "get_all" else ["OpaqueRef:nothing"] * 9
        try:
            getattr(getattr(client.api, class_), method)(*arguments)
        except XenAPI.Failure as failure:
            details: list[str] = failure.details
            return details
        return []

    assert [answer(name) for name in unknown] == [
        ["MESSAGE_METHOD_UNKNOWN", name] for name in unknown
    ]
    assert [name for name in known if answer(name)[:1] == ["MESSAGE_METHOD_UNKNOWN"]] == []


@pytest.mark.parametrize("client", [("6.0", "")], indirect=True)
def test_an_older_pool_still_answers_what_it_always_did(client: Client) -> None:
    assert client.api.VM.get_power_state(client.vm("app")) == "Running"
    assert client.events(["vm"], "", 5.0)["events"]

"""A pool of an older release knows the calls of its time."""

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

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


Served = Callable[[str, str], Simulator]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A pool of each release, started when it is first asked for."""
    with ExitStack() as running:

        @functools.cache
        def serve(version: str, more: str) -> Simulator:
            return running.enter_context(Simulator(WORLD.format(version=version, more=more)))

        yield serve


@pytest.fixture
def client(request: pytest.FixtureRequest, served: Served) -> Client:
    return Client(served(*request.param), "h1")


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


FIELDS = {
    ("6.0", ""): (
        {
            "VM": ["generation_id", "domain_type", "hardware_platform_version"],
            "task": [],
            "VIF": ["locking_mode"],
        },
        {"VM": ["power_state", "resident_on"], "task": ["subtasks"], "VIF": ["MAC"]},
    ),
    ("7.0", ""): ({"VM": ["domain_type", "reference_label"]}, {"VM": ["generation_id"]}),
    ("8.2", ""): ({"VM": ["pending_guidances"], "host": ["https_only"]}, {"VM": ["domain_type"]}),
    (NEWEST, ""): ({}, {"VM": ["pending_guidances"], "host": ["https_only"]}),
}


@pytest.mark.parametrize(
    ("client", "later", "old"),
    [(client, *fields) for client, fields in FIELDS.items()],
    indirect=["client"],
)
def test_records_have_the_fields_of_their_release(
    client: Client, later: dict[str, list[str]], old: dict[str, list[str]]
) -> None:
    client.api.Async.VM.pool_migrate(client.vm("app"), client.host("h1"), {})
    snapshots = client.events(["*"], "", 5.0)["events"]
    for class_name in {*later, *old}:
        records = list(getattr(client.api, class_name).get_all_records().values())
        shown = [e["snapshot"] for e in snapshots if e["class"] == class_name.lower()]
        assert records
        assert shown
        for record in records + shown:
            assert not set(later.get(class_name, [])) & set(record)
            assert set(old.get(class_name, [])) <= set(record)


@pytest.mark.parametrize("client", [("6.0", "")], indirect=True)
def test_a_getter_of_a_later_field_is_unknown_and_not_listed(client: Client) -> None:
    vm = client.vm("app")

    failure = client.failure(client.api.VM.get_domain_type, vm)

    assert failure == ["MESSAGE_METHOD_UNKNOWN", "VM.get_domain_type"]
    listed = client.session.system.listMethods()
    assert "VM.get_domain_type" not in listed
    assert "VM.migrate_send" not in listed
    assert "VM.pool_migrate" in listed


@pytest.mark.parametrize("client", [("6.0", ""), ("8.2", "")], indirect=True)
def test_events_count_no_class_of_a_later_release(client: Client) -> None:
    counts = client.events(["vm"], "", 5.0)["valid_ref_counts"]

    assert "vm_group" not in counts
    assert "vm" in counts


@pytest.mark.parametrize(
    ("client", "removed"),
    [(("6.0", ""), False), (("6.1", ""), False), (("6.2", ""), True), ((NEWEST, ""), True)],
    indirect=["client"],
)
@pytest.mark.parametrize("call", ["VM.get_is_snapshot_from_vmpp", "VMPP.get_record"])
def test_a_removed_call_is_so_from_its_release_on(client: Client, call: str, removed: bool) -> None:
    class_name, method = call.split(".")

    failure = client.failure(getattr(getattr(client.api, class_name), method), "OpaqueRef:none")

    assert failure == (
        ["MESSAGE_REMOVED"] if removed else ["HANDLE_INVALID", class_name, "OpaqueRef:none"]
    )


@pytest.mark.parametrize(
    ("client", "api", "platform"),
    [
        (("6.0", ""), ("2", "0"), None),
        (("6.1", ""), ("2", "0"), "1.6.10"),
        (("8.2", ""), ("2", "15"), "3.2.1"),
        ((NEWEST, ""), ("2", "23"), "3.4.0"),
    ],
    indirect=["client"],
)
def test_a_host_says_which_release_it_is(
    client: Client, api: tuple[str, str], platform: str | None
) -> None:
    record = client.api.host.get_record(client.host("h1"))

    assert (record["API_version_major"], record["API_version_minor"]) == api
    assert record["software_version"].get("platform_version") == platform


@pytest.mark.parametrize("client", [("6.0", "")], indirect=True)
def test_an_older_pool_still_answers_what_it_always_did(client: Client) -> None:
    assert client.api.VM.get_power_state(client.vm("app")) == "Running"
    assert client.events(["vm"], "", 5.0)["events"]

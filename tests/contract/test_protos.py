"""The contract as others meet it: described to grpcurl, generated for Python, kept in step."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import EnumDescriptor

from controller.model import findings, floating_ips, inventory, migration
from xenferry.common.v1 import fence_pb2, finding_pb2, inventory_pb2, reason_pb2
from xenferry.controller.v1 import (
    floating_ips_pb2,
    host_registry_pb2,
    migration_pb2,
    scheduler_pb2,
)
from xenferry.controller.v1 import inventory_pb2 as controller_inventory_pb2
from xenferry.hostagent.v1 import host_agent_pb2

ROOT = Path(__file__).parents[2]
SERVICES: list[Any] = [
    service
    for file in (
        scheduler_pb2,
        controller_inventory_pb2,
        host_registry_pb2,
        floating_ips_pb2,
        host_agent_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
]
MIRRORS: list[tuple[Any, type[Any]]] = [
    (reason_pb2.Reason.DESCRIPTOR, findings.Reason),
    (finding_pb2.Severity.DESCRIPTOR, findings.Severity),
    (inventory_pb2.PowerState.DESCRIPTOR, inventory.PowerState),
    (fence_pb2.MigrationKind.DESCRIPTOR, migration.MigrationKind),
    (fence_pb2.Whereabouts.DESCRIPTOR, migration.Whereabouts),
    (migration_pb2.MigrationState.DESCRIPTOR, migration.MigrationState),
    (migration_pb2.JournalEvent.DESCRIPTOR, migration.JournalEvent),
    (floating_ips_pb2.FloatingIpState.DESCRIPTOR, floating_ips.FloatingIpState),
]


def rpc_comments() -> Iterator[tuple[str, str]]:
    """Return each rpc with the comment above it, from the .proto files themselves."""
    for file in sorted((ROOT / "protos").rglob("*.proto")):
        for comment, name in re.findall(r"((?:^  //.*\n)+)  rpc (\w+)\(", file.read_text(), re.M):
            yield name, comment


def names(enum: EnumDescriptor) -> set[str]:
    """Return the names of a proto enum without their prefix, less UNSPECIFIED."""
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.name).upper() + "_"
    return {value.name.removeprefix(prefix) for value in enum.values if value.number != 0}


@pytest.mark.parametrize(("wire", "model"), MIRRORS, ids=[m.__name__ for _, m in MIRRORS])
def test_an_enum_of_the_model_has_the_names_of_the_wire(wire: Any, model: type[Any]) -> None:
    assert names(wire) == {member.value for member in model} - {"UNKNOWN"} | (
        {"UNKNOWN"} if "UNKNOWN" in names(wire) else set()
    )


def test_every_rpc_says_what_a_repeat_does() -> None:
    comments = dict(rpc_comments())

    assert len(comments) > 25
    assert [name for name, comment in comments.items() if "repeat" not in comment.lower()] == []


def test_every_mutating_agent_call_carries_a_fence() -> None:
    reads = {
        "CheckCanLiveMigrateOnDest",
        "CheckCanLiveMigrateOnSrc",
        "GetAgentInfo",
        "ApplyFloatingIps",  # carries a revision
        "CheckCanJoinOnHost",
        "CheckCanJoinOnCoordinator",
        "NamePool",  # pools have operations, not migrations
        "DesignateCoordinator",
        "JoinPool",
        "LeavePool",
        "ObservePoolOperation",
    }
    methods = host_agent_pb2.DESCRIPTOR.services_by_name["HostAgent"].methods
    without = {m.name for m in methods if "fence" not in m.input_type.fields_by_name}

    assert without == reads


def test_buf_finds_nothing_to_complain_of() -> None:
    done = subprocess.run(["buf", "lint"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("service", SERVICES, ids=[s.name for s in SERVICES])
def test_generated_code_has_a_stub_and_a_servicer_for_each_method(service: Any) -> None:
    generated = {
        "Scheduler": "controller.v1.scheduler",
        "Inventory": "controller.v1.inventory",
        "HostRegistry": "controller.v1.host_registry",
        "FloatingIps": "controller.v1.floating_ips",
        "HostAgent": "hostagent.v1.host_agent",
    }[service.name]
    path = ROOT / "gen/xenferry" / (generated.replace(".", "/") + "_pb2_grpc.py")

    text = path.read_text()

    assert [m.name for m in service.methods if f"def {m.name}(self" not in text] == []

"""Whatever moves, is snapshot or goes, both sides of every relation agree and space adds up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.xapisim.pools import SmallPool

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["move", "move_disk", "snapshot", "clone", "revert", "suspend", "resume"]),
        st.integers(0, 3),
        st.integers(0, 1),
    ),
    max_size=12,
)


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[SmallPool]:
    made = SmallPool(tmp_path)
    yield made
    made.close()


def srs(pool: SmallPool) -> list[str]:
    """The world's SR and a second one."""
    refs: list[str] = pool.call("SR.get_all")
    if len(refs) == 1:
        words = [pool.hosts[0], {}, 0, "second", "", "nfs", "user", True, {}]
        refs.append(pool.call("SR.create", *words))
    return refs


def disks(pool: SmallPool, vm: str) -> list[str]:
    vbds = pool.call("VM.get_VBDs", vm)
    return [pool.call("VBD.get_VDI", vbd) for vbd in vbds]


def take(pool: SmallPool, step: str, vm: str, choice: int) -> None:
    sr, host = srs(pool)[choice], pool.hosts[choice]
    if step == "move":
        (network,) = pool.call("network.get_all")
        ticket = pool.call("host.migrate_receive", host, network, {})
        mapped = dict.fromkeys(disks(pool, vm), sr)
        pool.try_call("VM.migrate_send", vm, ticket, True, mapped, {}, {})
    elif step == "move_disk":
        pool.try_call("VDI.pool_migrate", disks(pool, vm)[0], sr, {})
    elif step == "revert":
        for snapshot in pool.call("VM.get_snapshots", vm)[:1]:
            pool.try_call("VM.revert", snapshot)
    else:
        words: dict[str, list[Any]] = {
            "snapshot": ["s", []],
            "clone": ["c"],
            "resume": [False, False],
        }
        pool.try_call(f"VM.{step}", vm, *words.get(step, []))


@settings(max_examples=15, deadline=None)
@given(steps=STEPS)
def test_relations_and_space_hold_after_any_steps(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    pool = SmallPool(tmp_path_factory.mktemp("pool"))
    try:
        for step, number, choice in steps:
            take(pool, step, pool.vms[number], choice)

        assert pool.broken_relations() == []
        for sr, fields in pool.records("SR").items():
            sizes = [v["virtual_size"] for v in pool.records("VDI").values() if v["SR"] == sr]
            assert fields["virtual_allocation"] == sum(sizes)
        for vbd in pool.records("VBD").values():
            assert vbd["VDI"] in pool.records("VDI")
        alive = [domain.vm_uuid for domain in pool.engine.pool.hypervisor.domains()]
        assert len(alive) == len(set(alive))
    finally:
        pool.close()


def test_no_marker_outlives_a_move(pool: SmallPool) -> None:
    second = srs(pool)[1]
    vm = pool.vms[0]

    moved = pool.call("VDI.pool_migrate", disks(pool, vm)[0], second, {})

    assert disks(pool, vm) == [moved]
    assert pool.records("VDI")[moved]["sm_config"] == {}
    assert pool.call("VM.get_current_operations", vm) == {}

"""What pool.join asks, each condition by itself."""

from dataclasses import replace
from typing import Any

import pytest

from hostagent.model.facts import HostFacts
from hostagent.model.finding import Finding, Reason, Severity
from hostagent.model.pools import JoinerFacts
from hostagent.operations.checks import joining
from tests.unit.hostagent import joining_facts

POOL, JOINER = joining_facts.POOL, joining_facts.JOINER


def errors(findings: list[Finding]) -> set[Reason]:
    return {finding.reason for finding in findings if finding.severity is Severity.ERROR}


def of_host(joiner: JoinerFacts, **changes: Any) -> JoinerFacts:
    return replace(joiner, host=replace(joiner.host, **changes))


def at_coordinator(
    pool: HostFacts = POOL, joiner: JoinerFacts = JOINER, members: int = 1, *, force: bool = False
) -> list[Finding]:
    return joining.at_coordinator(pool, "XCP-ng", members, joiner, force=force)


def test_nothing_stands_against_a_fresh_host() -> None:
    assert errors(joining.at_host(JOINER)) == errors(at_coordinator()) == set()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pool_size": 2}, Reason.HOST_IN_ANOTHER_POOL),
        ({"running_vms": ("web-1",)}, Reason.HOST_HAS_INSTANCES),
        ({"shared_srs": ("nfs",)}, Reason.JOINER_HAS_SHARED_STORAGE),
        ({"forbidden_networks": ("bond/bond0",)}, Reason.JOINER_NETWORKS_UNFIT),
    ],
)
def test_each_condition_of_the_joining_host_is_told(
    changes: dict[str, Any], reason: Reason
) -> None:
    assert errors(joining.at_host(replace(JOINER, **changes))) == {reason}


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    ("pool", "joiner", "members", "reason", "lifted"),
    [
        ({"coordinator": False}, {}, 1, Reason.NOT_COORDINATOR, False),
        ({"ha_enabled": True}, {}, 1, Reason.HIGH_AVAILABILITY, False),
        ({}, {"ha_enabled": True}, 1, Reason.HIGH_AVAILABILITY, False),
        ({}, {"cpu_vendor": "AuthenticAMD"}, 1, Reason.CPU_INCOMPATIBLE, True),
        ({}, {"software": joining_facts.software("9.9", "3.4.0")}, 1,
         Reason.HOSTS_NOT_HOMOGENEOUS, True),
        ({}, {"software": joining_facts.software("8.3", "9.9.9")}, 1,
         Reason.HOSTS_NOT_HOMOGENEOUS, False),
        ({}, {"licence_restrictions": ("restrict_pooling",)}, 1,
         Reason.LICENCE_RESTRICTION, False),
        ({"licence_restrictions": ("restrict_pool_size",)}, {}, 3,
         Reason.LICENCE_RESTRICTION, False),
    ],
)  # fmt: skip
def test_each_condition_of_the_pool_is_told_and_force_lifts_what_xapi_lets_it(
    pool: dict[str, Any],
    joiner: dict[str, Any],
    members: int,
    reason: Reason,
    lifted: bool,
    force: bool,
) -> None:
    found = at_coordinator(replace(POOL, **pool), of_host(JOINER, **joiner), members, force=force)

    assert errors(found) == (set() if lifted and force else {reason})


def test_three_hosts_are_free() -> None:
    limited = replace(POOL, licence_restrictions=("restrict_pool_size",))

    assert errors(at_coordinator(limited, members=2)) == set()


@pytest.mark.parametrize("default", ["", "local"])
def test_a_pool_without_shared_default_sr_is_warned_of(default: str) -> None:
    found = at_coordinator(replace(POOL, default_sr_id=default))

    warned = {finding.reason for finding in found if finding.severity is Severity.WARNING}
    assert warned == {Reason.NO_SHARED_DEFAULT_SR}

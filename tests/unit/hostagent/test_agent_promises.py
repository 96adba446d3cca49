"""What old releases promise of block migrations, by their version."""

import pytest

from hostagent.model.facts import DiskFacts, HostFacts, InstanceFacts, SoftwareVersion
from hostagent.model.finding import Reason, Severity
from hostagent.operations.checks import releases


def guest(disks: int, snapshots: int = 0, cds: int = 0) -> InstanceFacts:
    """Return an instance with that many disks, the first with snapshots."""
    drives = [
        DiskFacts(
            str(n), f"d{n}", "sr", "sr", False, 1, cd=n >= disks, snapshots=snapshots * (n == 0)
        )
        for n in range(disks + cds)
    ]
    return InstanceFacts("web-1", "web-1", disks=tuple(drives))


def host(platform: str) -> HostFacts:
    """Return a host of a release."""
    return HostFacts("a", "xs1", software=SoftwareVersion("", platform, "", ""))


@pytest.mark.parametrize(
    ("platform", "instance", "told"),
    [
        ("1.6.10", guest(7), True),
        ("1.6.10", guest(1, snapshots=2), True),
        ("2.7.1", guest(7), True),
        ("1.6.10", guest(6, snapshots=1, cds=2), False),
        ("3.0.0", guest(7, snapshots=2), False),
        ("", guest(7), False),
    ],
)
def test_more_than_a_release_promises_is_a_warning_with_both_figures(
    platform: str, instance: InstanceFacts, told: bool
) -> None:
    found = releases.promised(host(platform), instance)

    assert [(one.reason, one.severity) for one in found] == (
        [(Reason.DISK_NOT_MIGRATABLE, Severity.WARNING)] if told else []
    )
    assert all(one.remedy and one.measured["allowed_disks"] for one in found)

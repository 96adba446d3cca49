"""What high availability has to say (XAPI A13)."""

from hostagent.model.facts import HostFacts
from hostagent.model.finding import Finding, Reason, passed, warned


def undisturbed(host: HostFacts, *, block: bool) -> Finding:
    """XAPI keeps its failover plan for a move of memory. While disks are copied, a lost host makes
    it start the guest again elsewhere.
    """
    subject = f"pool/{host.pool_name}"
    figures = {"ha_enabled": host.ha_enabled}
    if not host.ha_enabled:
        text = f"high availability is off in {host.pool_name}"
        return passed(Reason.HIGH_AVAILABILITY, subject, text, **figures)
    if not block:
        text = f"high availability is on in {host.pool_name}; XAPI keeps its failover plan"
        return passed(Reason.HIGH_AVAILABILITY, subject, text, **figures)
    return warned(
        Reason.HIGH_AVAILABILITY,
        subject,
        f"high availability is on in {host.pool_name} while disks would be copied",
        "disable high availability until the migration has ended (xe pool-ha-disable)",
        **figures,
    )

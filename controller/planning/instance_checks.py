"""Checks of the instance, from the inventory alone.

Each returns one finding, or None when it does not apply.
"""

from controller.model.findings import Finding, Reason
from controller.model.inventory import PowerState
from controller.planning.snapshot import Snapshot
from controller.planning.verdicts import passed, refused


def running(snapshot: Snapshot) -> Finding:
    """The guest runs: a live migration moves nothing else."""
    instance = snapshot.instance
    state = instance.facts.power_state
    measured = {"power_state": state.value, "host_id": instance.facts.host_id}
    message = f"{instance.name} is {state.value.lower()}"
    if state is PowerState.RUNNING and instance.facts.host_id:
        return passed(Reason.INSTANCE_NOT_RUNNING, snapshot.instance_subject, message, measured)
    if state is PowerState.RUNNING:
        message += ", but no host is known to run it"
    return refused(
        Reason.INSTANCE_NOT_RUNNING,
        snapshot.instance_subject,
        message,
        f"start {instance.name}, or start it at the destination: only running guests are moved",
        measured,
    )


def not_migrating(snapshot: Snapshot) -> Finding:
    """No other migration has the instance."""
    instance = snapshot.instance
    measured = {"task_state": instance.task_state, "migration_id": instance.migration_id}
    if not instance.task_state and not instance.migration_id:
        message = f"nothing of ours is under way for {instance.name}"
        return passed(Reason.INSTANCE_BUSY, snapshot.instance_subject, message, measured)
    state = instance.task_state or "migrating"
    which = f" in migration {instance.migration_id}" if instance.migration_id else ""
    return refused(
        Reason.INSTANCE_BUSY,
        snapshot.instance_subject,
        f"{instance.name} is {state}{which}",
        "wait for it to end, or cancel it",
        measured,
    )

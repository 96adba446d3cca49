"""Why a migration is not cancelled or settled, as the status that a client gets."""

from chassis.errors import Refused, Violation
from controller.model.findings import Reason
from controller.saga import interventions

_REASONS = {
    interventions.TooLate: Reason.TOO_LATE_TO_CANCEL,
    interventions.Ended: Reason.MIGRATION_ENDED,
    interventions.NotStuck: Reason.MIGRATION_NOT_STUCK,
    interventions.Contradicted: Reason.RESOLUTION_CONTRADICTED,
}


def translate(error: Exception) -> Refused | None:
    """Return the ServiceError of a refusal, None for anything else."""
    if not isinstance(error, interventions.InterventionRefused):
        return None
    reason, migration = _REASONS[type(error)], error.migration
    metadata = {"migration_id": migration.migration_id, "state": migration.state.value}
    subject = f"migration/{migration.migration_id}"
    return Refused(reason, str(error), [Violation(subject, str(error), reason)], metadata)

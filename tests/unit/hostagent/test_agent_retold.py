"""What was asked for is told again, changed or not, here or gone."""

from hostagent.api.changes import Changes
from hostagent.model.settings import MigrationSettings
from hostagent.operations.retold import Retold
from hostagent.xapi.mirror import Mirror

GUEST = "56a80a58-19ed-57fc-8f70-a059b7fdaabb"


def test_a_guest_that_came_and_went_between_two_reports_is_told_gone() -> None:
    retold = Retold()
    changes = Changes(Mirror(), "the-host", MigrationSettings(), retold)
    assert changes.take().gone == ()

    retold.ask(GUEST)

    assert changes.waiting.is_set()
    assert changes.take().gone == (GUEST,)
    assert not changes.waiting.is_set()
    assert changes.take().gone == ()

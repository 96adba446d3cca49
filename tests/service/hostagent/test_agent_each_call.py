"""Each call that an RPC makes breaks once; a recording tells which, so that new ones are struck."""

import pytest

from tests.service.hostagent.quayside import Quay
from tests.service.hostagent.rpc_rows import BEFALLEN, IN_DOUBT, REFUSED, UNTOLD, Rpc
from tests.service.hostagent.striking import Striking, is_read

pytestmark = pytest.mark.asyncio(loop_scope="session")

EACH = pytest.mark.parametrize("rpc", BEFALLEN, ids=lambda rpc: rpc.name)
# What may fail without harm, for XAPI or a later call puts it right.
TIDYING = {"task.destroy", "task.add_to_other_config", "host.remove_from_other_config"}
# A call that another RPC may have made late, and this one does not make.
OF_OTHERS = {"task.destroy"}
# Whether the guest stayed is not known where it can't be looked at.
BLIND = {("AbortMigration", "VM.get_record"): {IN_DOUBT}}


def wrong(rpc: Rpc, words: dict[str, str], fine: set[str]) -> dict[str, str]:
    """Return the answers that are none of those expected, by call."""
    return {
        method: word for method, word in words.items() if word not in expected(rpc, method, fine)
    }


def expected(rpc: Rpc, method: str, fine: set[str]) -> set[str]:
    """Return what may be said when that call breaks."""
    tidied = {rpc.well} if method in TIDYING else set[str]()
    not_made = {""} if method in OF_OTHERS else set[str]()
    return BLIND.get((rpc.name, method), fine | tidied) | not_made


@EACH
async def test_each_call_may_be_refused_and_that_is_told(quay: Quay, rpc: Rpc) -> None:
    striking = Striking(quay, rpc)

    words = {call: await striking.word("refusal", call) for call in await striking.made()}

    assert wrong(rpc, words, {REFUSED, rpc.refused}) == {}
    await striking.over()


@EACH
async def test_each_call_may_lose_its_reply_and_none_is_made_twice(quay: Quay, rpc: Rpc) -> None:
    striking = Striking(quay, rpc)
    made = await striking.made()
    reads = [call for call in made if is_read(call)]
    changes = [call for call in made if not is_read(call)]

    looked = await striking.strike("dropped reply", *reads) if reads else rpc.well
    words = {call: await striking.word("dropped reply", call) for call in changes}

    assert looked == rpc.well
    assert wrong(rpc, words, {UNTOLD, rpc.unheard}) == {}
    await striking.over()

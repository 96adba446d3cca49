"""Every RPC of an agent with work to do, and what it says, in a word or two."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.service.hostagent.crossing import Yard
from tests.service.hostagent.pool import ARRIVED, DEADLINE_S, STAYED, errors
from tests.service.hostagent.quayside import Staged, told
from xenferry.common.v1 import reason_pb2
from xenferry.hostagent.v1 import checks_pb2, cleanup_pb2, host_agent_pb2, move_pb2

DONE, REFUSED = "done", "FAILED_PRECONDITION XAPI_REFUSED"
UNTOLD, AWAY = "UNAVAILABLE OUTCOME_UNKNOWN", "UNAVAILABLE XAPI_UNAVAILABLE"
CAME, STOPPED, IN_DOUBT = "arrived", "stayed MIGRATION_CANCELLED", "unknown OUTCOME_UNKNOWN"
TOO_LATE, LOST = "arrived TOO_LATE_TO_CANCEL", "unknown INSTANCE_LOST"


@dataclass(frozen=True, slots=True)
class Rpc:
    """One RPC: what comes before it, how it is asked, and a call to XAPI that it makes.

    `well`: what it says when nothing is wrong; `refused`: when XAPI refuses that call; `unheard`:
    when the call's reply is lost; `unsent`: when the call never arrives; `after_unsent`: when it is
    asked again then.
    """

    name: str
    method: str
    stage: Callable[[Yard], Awaitable[Staged]]
    ask: Callable[[Staged], Awaitable[str]]
    well: str = DONE
    refused: str = REFUSED
    unheard: str = UNTOLD
    unsent: str = UNTOLD
    after_unsent: str = ""


async def fresh(yard: Yard) -> Staged:
    """A guest that nothing was done with."""
    return Staged(yard.inside())


async def fresh_shared(yard: Yard) -> Staged:
    """A guest whose disks both hosts can reach."""
    return Staged(yard.sharing())


async def with_volume(yard: Yard) -> Staged:
    """A guest with a volume of its own, of which both agents know."""
    trip = yard.sharing()
    yard.near_pool.add_volume(trip.guest)
    volume = f"vol-{trip.guest.name}"
    await yard.watched(
        trip.check, lambda seen: all(volume in str(answer.findings) for answer in seen)
    )
    return Staged(trip)


async def attached(yard: Yard) -> Staged:
    """The volume of a guest is at the destination, too."""
    staged = await with_volume(yard)
    await staged.trip.prepare()
    return staged


async def arrived_with_volume(yard: Yard) -> Staged:
    """The guest is at its destination, and its volume still at both hosts."""
    staged = await attached(yard)
    assert (await staged.trip.follow_with(None).last()).outcome == ARRIVED
    return staged


async def prepared(yard: Yard) -> Staged:
    """The destination is ready."""
    trip = yard.inside()
    return Staged(trip, (await trip.prepare()).receive_ticket)


async def moving(yard: Yard) -> Staged:
    """The memory is being copied."""
    staged = await prepared(yard)
    name = staged.trip.guest.name
    staged.hold = yard.simulator.fault(fault="hold", phase="precopy", vm=name)
    staged.move = staged.trip.follow_with(staged.ticket)
    await staged.move.next()
    return staged


async def arrived(yard: Yard) -> Staged:
    """The guest is at its destination."""
    staged = await prepared(yard)
    assert (await staged.trip.follow_with(staged.ticket).last()).outcome == ARRIVED
    return staged


async def stayed(yard: Yard) -> Staged:
    """The move failed, and the guest is where it was."""
    staged = await prepared(yard)
    name = staged.trip.guest.name
    fault = yard.simulator.fault(fault="fail_migration", phase="precopy", vm=name)
    assert (await staged.trip.follow_with(staged.ticket).last()).outcome == STAYED
    yard.simulator.lift(fault)
    return staged


async def check_dest(staged: Staged) -> str:
    """CheckCanLiveMigrateOnDest, in a word or two."""
    trip = staged.trip
    request = checks_pb2.CheckCanLiveMigrateOnDestRequest(
        source_pool_id=trip.yard.source.host.pool_id,
        dest_host_id=trip.dest.host.host_id,
    )
    request.instance.instance_id = trip.guest.uuid
    request.instance.name = trip.guest.name
    answer = await trip.dest.stub.CheckCanLiveMigrateOnDest(request, timeout=DEADLINE_S)
    return _found(answer.findings)


async def check_source(staged: Staged) -> str:
    """CheckCanLiveMigrateOnSrc, in a word or two."""
    trip = staged.trip
    request = checks_pb2.CheckCanLiveMigrateOnSrcRequest(
        instance_id=trip.guest.uuid,
        source_host_id=trip.yard.source.host.host_id,
        dest_check_data=trip.order().dest_check_data,
    )
    stub = trip.yard.source.stub
    return _found((await stub.CheckCanLiveMigrateOnSrc(request, timeout=DEADLINE_S)).findings)


async def verify(staged: Staged) -> str:
    """VerifyExports, in a word or two."""
    return _found((await staged.trip.verify()).findings)


async def prepare(staged: Staged) -> str:
    """PreLiveMigration, in a word or two."""
    staged.ticket = (await staged.trip.prepare()).receive_ticket
    return DONE


async def move(staged: Staged) -> str:
    """LiveMigration, in a word or two."""
    return _ended(await staged.trip.follow_with(staged.ticket).last())


async def abort(staged: Staged) -> str:
    """AbortMigration, in a word or two."""
    return _ended(await staged.trip.abort())


async def observe(staged: Staged) -> str:
    """ObserveMigration, in a word or two."""
    return DONE if (await staged.trip.observe(staged.trip.dest)).present else "absent"


async def post_at_source(staged: Staged) -> str:
    """PostAtSource, in a word or two."""
    return _items((await staged.trip.post_at_source()).items)


async def post_at_dest(staged: Staged) -> str:
    """PostAtDestination, in a word or two."""
    answer = await staged.trip.post_at_dest()
    found = _found(answer.findings)
    return found if found != DONE else _items(answer.items)


async def roll_back_at_source(staged: Staged) -> str:
    """RollbackAtSource, in a word or two."""
    return _items((await staged.trip.roll_back_at_source()).items)


async def roll_back_at_dest(staged: Staged) -> str:
    """RollbackAtDestination, in a word or two."""
    return _items((await staged.trip.roll_back_at_dest()).items)


async def agent_info(staged: Staged) -> str:
    """GetAgentInfo, in a word or two."""
    request = host_agent_pb2.GetAgentInfoRequest()
    await staged.trip.dest.stub.GetAgentInfo(request, timeout=DEADLINE_S)
    return DONE


def _found(findings: Any) -> str:
    return " ".join(sorted(errors(findings))) or DONE


def _items(items: Any) -> str:
    failed = [one for one in items if one.action == cleanup_pb2.CLEANUP_ACTION_FAILED]
    return "failed" if failed else DONE


def _ended(report: Any) -> str:
    name = move_pb2.MoveOutcome.Name(report.outcome).removeprefix("MOVE_OUTCOME_").lower()
    reason = reason_pb2.Reason.Name(report.error.reason).removeprefix("REASON_")
    return name if report.error.reason == 0 else f"{name} {reason}"


def read(name: str, method: str, stage: Any, ask: Any) -> Rpc:
    """Return an RPC that only reads: a lost call is made again below it."""
    return Rpc(name, method, stage, ask, unheard=DONE, unsent=DONE)


def start(name: str, method: str, stage: Any) -> Rpc:
    """Return a move: its call is looked for when it got no reply, and never made again."""
    return Rpc(name, method, stage, move, CAME, REFUSED, CAME, IN_DOUBT, IN_DOUBT)


UNMARK = "VM.remove_from_other_config"
CLOSE = "host.remove_from_other_config"
STOP = Rpc("AbortMigration", "task.cancel", moving, abort, STOPPED, STOPPED, STOPPED, STOPPED)
ASSERT = "VM.assert_can_migrate"
RPCS = (
    read("CheckCanLiveMigrateOnDest", "host.compute_free_memory", fresh, check_dest),
    replace(read("CheckCanLiveMigrateOnSrc", ASSERT, fresh, check_source), refused="XAPI_REFUSED"),
    Rpc("VerifyExports", "Async.SR.scan", with_volume, verify, refused="EXPORT_LOST"),
    Rpc("PreLiveMigration", "host.migrate_receive", fresh, prepare),
    start("LiveMigration", "Async.VM.migrate_send", prepared),
    start("LiveMigration, shared storage", "Async.VM.pool_migrate", fresh_shared),
    STOP,
    read("ObserveMigration", "VM.get_record", prepared, observe),
    Rpc("PostAtDestination", UNMARK, arrived, post_at_dest, refused="failed"),
    read("PostAtSource", "VM.get_record", arrived, post_at_source),
    Rpc("RollbackAtDestination", CLOSE, prepared, roll_back_at_dest, refused=DONE),
    Rpc("RollbackAtSource", UNMARK, stayed, roll_back_at_source, refused="failed"),
    read("GetAgentInfo", "host.compute_free_memory", fresh, agent_info),
)


# Each call that is made for a volume, by the RPC that makes it.
NOT_ATTACHED = "FAILED_PRECONDITION VOLUME_NOT_ATTACHED"
ATTACHING = ("PBD.create", "PBD.add_to_other_config", "Async.PBD.plug", "Async.SR.scan")
DETACHING = ("Async.PBD.unplug", "PBD.destroy")
VOLUME_RPCS = (
    *(
        Rpc(f"PreLiveMigration, {call}", call, with_volume, prepare, refused=NOT_ATTACHED)
        for call in ATTACHING
    ),
    *(
        Rpc(f"PostAtSource, {call}", call, arrived_with_volume, post_at_source, refused="failed")
        for call in DETACHING
    ),
    *(
        Rpc(f"RollbackAtDestination, {call}", call, attached, roll_back_at_dest, refused="failed")
        for call in DETACHING
    ),
)


# Of the rows for volumes, one for each RPC.
_FIRST = {rpc.name.partition(",")[0]: rpc for rpc in reversed(VOLUME_RPCS)}
BEFALLEN = (*RPCS, *_FIRST.values())


async def said(rpc: Rpc, staged: Staged) -> str:
    """Ask, and return the answer, or status and reason."""
    return await told(rpc.ask(staged))

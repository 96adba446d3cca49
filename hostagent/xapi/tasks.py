"""Verbs on tasks."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hostagent.model.records import TaskRecord
from hostagent.xapi import classify, parse
from hostagent.xapi.client import Client
from hostagent.xapi.errors import XapiError, XapiGone, XapiOutcomeUnknown
from hostagent.xapi.events import MARGIN_S

# A host that can't reach its storage says so within two minutes (iSCSI login).
LONGEST_S = 180.0
WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a wait brought: the task if it changed, None if it did not; `gone` if its row went."""

    token: str
    task: TaskRecord | None = None
    gone: bool = False


async def record(client: Client, ref: str) -> TaskRecord:
    """Return the task as it is now; raises XapiGone, which proves nothing of what it did."""
    return parse.task(ref, await client.read("task.get_record", ref))


async def all_records(client: Client) -> list[TaskRecord]:
    """Return every task of the pool; XAPI keeps some 200."""
    rows: Mapping[str, Any] = await client.read("task.get_all_records")
    return [parse.task(ref, raw) for ref, raw in rows.items()]


async def change_of(client: Client, ref: str, token: str, timeout_s: float) -> Seen:
    """Wait until the task changes after `token`; "" answers at once with the task as it is.

    A subscription to tasks alone, because XAPI holds others back by 50 ms (XAPI A7).
    """
    reply = await client.wait(
        "event.from", [f"task/{ref}"], token, float(timeout_s), timeout_s=timeout_s + MARGIN_S
    )
    seen = Seen(str(reply["token"]))
    for event in reply["events"]:
        if event["ref"] != ref:
            continue
        snapshot = event.get("snapshot")
        if event["operation"] == "del" or snapshot is None:
            return Seen(seen.token, gone=True)
        seen = Seen(seen.token, parse.task(ref, snapshot))
    return seen


async def cancel(client: Client, ref: str) -> None:
    """Ask XAPI to stop the task; it answers at once and says nothing of whether it will."""
    await client.change("task.cancel", ref)


async def destroy(client: Client, ref: str) -> None:
    """Remove the row of a task that has ended; XAPI keeps only some 200."""
    await client.change("task.destroy", ref)


async def carry_out(client: Client, method: str, *arguments: Any) -> None:
    """Have XAPI do something that takes a while, and wait for its end.

    Raises XapiRefused with the task's error, or XapiOutcomeUnknown when its row went or it takes
    longer than anything sound: look at what was to be done, then ask again.
    """
    ref = str(await client.change(f"Async.{method}", *arguments))
    try:
        async with asyncio.timeout(LONGEST_S):
            ended = await _end(client, ref)
    except (XapiGone, TimeoutError) as error:
        raise XapiOutcomeUnknown(method, "its task did not tell how it ended") from error
    with contextlib.suppress(XapiError):  # XAPI removes the row by itself, later
        await destroy(client, ref)
    if ended.status != "success":
        raise classify.failure(method, ended.error_info)


async def _end(client: Client, ref: str) -> TaskRecord:
    token = ""
    while True:
        seen = await change_of(client, ref, token, WAIT_S)
        task = seen.task
        if task is None:
            task = await record(client, ref)
        if task.ended:
            return task
        token = seen.token

"""Makes every host carry what it shall: at once when something changes, and until it is done.

What is to be done is worked out from the database each time, so nothing is lost with the process.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping

import structlog

from controller.floating import metrics
from controller.floating.pusher import Pusher
from controller.floating.settings import FloatingIpSettings
from controller.ports.agents import AgentError
from controller.ports.failures import StoreUnavailable
from controller.ports.floating_ips import LoadStore
from controller.saga.backoff import Backoff

log = structlog.get_logger()

# More than this are not asked for one by one.
MANY = 1_000


class Reconciler:
    """A task a host that is behind; none for the others."""

    def __init__(self, loads: LoadStore, pusher: Pusher, settings: FloatingIpSettings) -> None:
        self._loads = loads
        self._pusher = pusher
        self._settings = settings
        self._hosts: dict[str, _Host] = {}
        self._seen: dict[str, str] = {}
        self._moved: set[str] = set()
        self._looking = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with what was left undone when the controller last ran."""
        self._task = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Let go of everything where it is; a later start takes it up."""
        tasks = [host.task for host in self._hosts.values()]
        tasks += [self._task] if self._task is not None else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def registered(self, host_id: str) -> None:
        """Take that a host's agent is there, and may have forgotten what it carried."""
        self._host(host_id).tell_anew()

    def seen(self, hosts: Mapping[str, str]) -> None:
        """Take on which host each instance was seen; empty: it is gone from where it was."""
        moved = {key for key, host_id in hosts.items() if self._seen.get(key, "") != host_id}
        self._seen.update(hosts)
        if moved:
            self._moved |= moved
            self._looking.set()

    async def settle(self, host_ids: Iterable[str]) -> None:
        """Tell these hosts now, and wait for a moment for what they say."""
        tried = [self._host(host_id).tell() for host_id in host_ids if host_id]
        if tried:
            await asyncio.wait(tried, timeout=self._settings.answer_s)

    def _host(self, host_id: str) -> "_Host":
        known = self._hosts.get(host_id)
        if known is None or known.task.done():
            known = self._hosts[host_id] = _Host(host_id, self._pusher, self._settings)
            known.task.add_done_callback(lambda _: self._forget(host_id))
        return known

    def _forget(self, host_id: str) -> None:
        known = self._hosts.get(host_id)
        if known is not None and known.task.done():
            del self._hosts[host_id]

    async def _look(self) -> None:
        """Tell hosts that are behind: all of them at first, and where an instance was seen."""
        everything = True
        while True:
            moved, self._moved = self._moved, set()
            self._looking.clear()
            try:
                if everything or len(moved) > MANY or await self._loads.leads_to(moved):
                    for host_id in await self._loads.unsettled():
                        self._host(host_id).tell()
            except StoreUnavailable as error:
                log.warning("floating_ips.not_looked", why=str(error))
            everything = not await self._something_moved()

    async def _something_moved(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.look_s):
                return await self._looking.wait()
        return False


class _Host:
    """Tells one host until it has said that it carries what it shall."""

    def __init__(self, host_id: str, pusher: Pusher, settings: FloatingIpSettings) -> None:
        self._host_id = host_id
        self._pusher = pusher
        self._pauses = Backoff(settings.retry_first_s, settings.retry_cap_s)
        self._news = asyncio.Event()
        self._anew = False
        self._waiting: list[asyncio.Future[None]] = []
        self._complained = ""
        self.task = asyncio.create_task(self._run())

    def tell(self) -> asyncio.Future[None]:
        """Have it told now; the result is there once it was tried."""
        tried: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(tried)
        self._news.set()
        return tried

    def tell_anew(self) -> None:
        """Have it told now even what it has said before."""
        self._anew = True
        self._pauses.reset()
        self._news.set()

    async def _run(self) -> None:
        try:
            await self._tell_until_done()
        finally:
            self._complain("")

    async def _tell_until_done(self) -> None:
        self._news.set()
        while self._news.is_set():
            self._news.clear()
            waiting, self._waiting = self._waiting, []
            anew, self._anew = self._anew, False
            done = await self._attempt(anew)
            for tried in waiting:
                if not tried.done():
                    tried.set_result(None)
            if not done:
                self._anew = self._anew or anew
                await self._pause()

    async def _attempt(self, anew: bool) -> bool:
        try:
            push = self._pusher.push_anew if anew else self._pusher.push
            await push(self._host_id)
        except (AgentError, StoreUnavailable) as error:
            self._complain(str(error))
            return False
        self._complain("")
        return True

    def _complain(self, why: str) -> None:
        """Take why the host is behind; empty: it is not, or nobody asks any more."""
        if why and why != self._complained:
            log.warning("floating_ips.not_carried", host_id=self._host_id, why=why)
        metrics.BEHIND.inc(bool(why) - bool(self._complained))
        self._complained = why

    async def _pause(self) -> None:
        """Wait for news, at most as long as the next pause; then there is something to do."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pauses.next_s()):
                await self._news.wait()
        self._news.set()

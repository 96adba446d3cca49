"""The XAPIs of a pool and of a host that may join it, in memory, with faults by call number.

They know what dom0's plug-in calls and no more, and refuse what XAPI refuses:
  refused   XAPI says no, once
  booting   XAPI says HOST_STILL_BOOTING, once
  unsent    the connection breaks before anything is done
  unheard   the thing is done, and the connection breaks
  restart   the connection breaks, and so do the next few
"""

from collections.abc import Callable
from http.client import RemoteDisconnected
from typing import Any
from xmlrpc.client import Transport, dumps, loads

import XenAPI

COORDINATOR, JOINER = "uuid-coordinator", "uuid-joiner"
AGENT_VM = "uuid-agent"
PASSWORD = "salt-and-rope"
FAULTS = ("refused", "booting", "unsent", "unheard", "restart")
RESTART_CALLS = 3
BROKEN = {"refused": ["SR_BACKEND_FAILURE", "odd"], "booting": ["HOST_STILL_BOOTING"]}


class Refusal(Exception):
    """An error array."""


class Xapis:
    """Both; `calls` are those that were made, in order."""

    def __init__(self, *, member: bool) -> None:
        self.member = member
        self.power = "Running"
        self.calls: list[str] = []
        self.fault: tuple[int, str] | None = None
        """Which call, from 1, and what becomes of it."""
        self._enabled_after = 0

    def answer(self, here: str, method: str, params: Any) -> dict[str, Any] | None:
        """Return XAPI's answer, None to break the connection."""
        self.calls.append(method)
        fault = self._due(len(self.calls))
        if fault in ("unsent", "restart"):
            return None
        try:
            value = self._served(here, method, params, fault)
        except Refusal as refusal:
            return {"Status": "Failure", "ErrorDescription": list(refusal.args)}
        return None if fault == "unheard" else {"Status": "Success", "Value": value}

    def _due(self, number: int) -> str:
        if self.fault is None:
            return ""
        first, kind = self.fault
        last = first + RESTART_CALLS if kind == "restart" else first
        return kind if first <= number <= last else ""

    def _served(self, here: str, method: str, params: Any, fault: str) -> Any:
        if fault in BROKEN:
            raise Refusal(*BROKEN[fault])
        return self._serve(here, method, params)

    def _serve(self, here: str, method: str, params: Any) -> Any:
        if method == "session.login_with_password":
            return self._log_in(here, params)
        if here == JOINER and self.member:
            raise Refusal("HOST_IS_SLAVE", COORDINATOR)
        acts: dict[str, Callable[..., Any]] = {
            "session.logout": lambda: "",
            "host.get_by_uuid": lambda uuid: self._host(here, uuid),
            "host.get_address": lambda _: "10.0.0.1",
            "host.get_enabled": self._enabled,
            "host.get_metrics": lambda host: host,
            "host_metrics.get_live": lambda _: True,
            "pool.get_all": lambda: ["pool"],
            "pool.get_master": lambda _: COORDINATOR,
            "VM.get_by_uuid": lambda _: self._vm(here),
            "VM.get_power_state": lambda _: self.power,
            "VM.clean_shutdown": lambda _: self._power("Running", "Halted"),
            "VM.start_on": lambda *_: self._power("Halted", "Running"),
            "pool.join": lambda *_: self._join(),
            "pool.eject": lambda *_: self._eject(),
        }
        return acts[method](*params[1:])

    def _log_in(self, here: str, params: Any) -> str:
        if params[1] != PASSWORD:
            raise Refusal("SESSION_AUTHENTICATION_FAILED")
        if here == JOINER and self.member:
            raise Refusal("HOST_IS_SLAVE", COORDINATOR)
        return "session"

    def _host(self, here: str, uuid: str) -> str:
        known = [JOINER] if here == JOINER else [COORDINATOR] + [JOINER] * self.member
        if uuid not in known:
            raise Refusal("UUID_INVALID", "host", uuid)
        return uuid

    def _vm(self, here: str) -> str:
        if here == COORDINATOR and not self.member:
            raise Refusal("UUID_INVALID", "VM", AGENT_VM)
        return AGENT_VM

    def _enabled(self, _: str) -> bool:
        """Return whether it serves: not at the first look after it has joined."""
        self._enabled_after += 1
        return self._enabled_after > 1

    def _power(self, before: str, after: str) -> str:
        if self.power != before:
            raise Refusal("VM_BAD_POWER_STATE", AGENT_VM, before, self.power)
        self.power = after
        return ""

    def _join(self) -> str:
        if self.power == "Running":
            raise Refusal("JOINING_HOST_CANNOT_HAVE_RUNNING_VMS")
        self.member = True
        return ""

    def _eject(self) -> str:
        if not self.member:
            raise Refusal("HANDLE_INVALID", "host", JOINER)
        if self.power == "Running":
            raise Refusal("HOST_HAS_RESIDENT_VMS")
        self.member, self.power = False, "Wiped"
        return ""


class Wire(Transport):
    """Carries calls to one of them; what breaks is sent once more, as the library does."""

    def __init__(self, xapis: Xapis, here: str) -> None:
        super().__init__()
        self._xapis = xapis
        self._here = here

    def single_request(self, _host: Any, _path: str, body: Any, _verbose: bool = False) -> Any:
        """Make one call; raises RemoteDisconnected."""
        params, method = loads(body)
        answer = self._xapis.answer(self._here, str(method), params)
        if answer is None:
            raise RemoteDisconnected(str(method))
        told, _ = loads(dumps((answer,), methodresponse=True))
        return told


class Doors:
    """Where the plug-in's connections lead."""

    def __init__(self) -> None:
        self.xapis = Xapis(member=False)

    def connect(self, url: str) -> XenAPI.Session:
        """Return a connection to a XAPI; an empty url is this host's own."""
        here = COORDINATOR if not url else JOINER
        return XenAPI.Session("http://here", transport=Wire(self.xapis, here))

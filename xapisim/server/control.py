"""The control port: what really runs, who called what, and the faults; beside XAPI, never through
it.
"""

import json
import logging
from pathlib import Path

from aiohttp import web

from xapisim.classes.engine import Engine
from xapisim.faults.model import FaultError, parse, parse_list
from xapisim.faults.registry import Faults
from xapisim.server import steps
from xapisim.server.traffic import Traffic
from xapisim.trace import Trace
from xapisim.values import Value

_log = logging.getLogger(__name__)


class Control:
    def __init__(
        self, engines: dict[str, Engine], faults: Faults, trace: Trace, traffic: Traffic
    ) -> None:
        """`engines` by pool name."""
        self._engines = engines
        self._faults = faults
        self._trace = trace
        self._traffic = traffic

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/sim/domains", self._domains)
        app.router.add_get("/sim/trace", self._calls)
        app.router.add_get("/sim/faults", self._list_faults)
        app.router.add_post("/sim/faults", self._arm)
        app.router.add_delete("/sim/faults", self._lift_all)
        app.router.add_delete("/sim/faults/{id}", self._lift)
        app.router.add_post("/sim/clock", self._step)
        app.router.add_post("/sim/plugins", self._add_plugin)
        return app

    async def _domains(self, _request: web.Request) -> web.Response:
        listed = [
            entry for name, engine in self._engines.items() for entry in _domains(name, engine)
        ]
        return web.json_response({"domains": listed})

    async def _calls(self, request: web.Request) -> web.Response:
        since = request.query.get("since", "0")
        if not since.isdigit():
            return _refused(f"since: a whole number expected, got {since!r}")
        calls = [entry.as_json() for entry in self._trace.since(int(since))]
        return web.json_response({"calls": calls})

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return web.json_response({"faults": [fault.as_json() for fault in self._faults.armed()]})

    async def _arm(self, request: web.Request) -> web.Response:
        """One fault or a list of them; all or none."""
        try:
            value = json.loads(await request.text())
            faults = parse_list(value) if isinstance(value, list) else [parse(value, "fault")]
        except ValueError as error:
            return _refused(f"JSON expected: {error}")
        except FaultError as error:
            return _refused(str(error))
        armed = [self._faults.arm(fault).as_json() for fault in faults]
        _log.info("faults.armed %s", json.dumps(armed))
        return web.json_response({"faults": armed})

    async def _step(self, request: web.Request) -> web.Response:
        """Lets the time of all stepped pools pass; answers when what that woke has acted."""
        try:
            step = steps.Step.parse(json.loads(await request.text()))
            return web.json_response(await steps.take(step, self._engines.values(), self._traffic))
        except steps.StepError as error:
            return _refused(str(error))
        except ValueError as error:
            return _refused(f"JSON expected: {error}")

    async def _add_plugin(self, request: web.Request) -> web.Response:
        """A program that host.call_plugin runs on every host."""
        try:
            given = json.loads(await request.text())
        except ValueError as error:
            return _refused(f"JSON expected: {error}")
        names = given if isinstance(given, dict) else {}
        name, program = names.get("name"), names.get("program")
        if not (isinstance(name, str) and isinstance(program, str) and name and program):
            return _refused("name and program: two texts expected")
        for engine in self._engines.values():
            engine.site.plugins[name] = Path(program)
        return web.json_response({"name": name, "program": program})

    async def _lift_all(self, _request: web.Request) -> web.Response:
        self._faults.lift_all()
        return web.json_response({"faults": []})

    async def _lift(self, request: web.Request) -> web.Response:
        if not self._faults.lift(request.match_info["id"]):
            return web.json_response({"error": "no such fault"}, status=404)
        return await self._list_faults(request)


def _refused(reason: str) -> web.Response:
    return web.json_response({"error": reason}, status=400)


def _domains(pool: str, engine: Engine) -> list[Value]:
    db = engine.pool.database
    listed = []
    for domain in engine.pool.hypervisor.domains():
        host = db.tables["host"].by_uuid.get(domain.host_uuid, "")
        vm = db.tables["VM"].by_uuid.get(domain.vm_uuid, "")
        listed.append(
            {
                "pool": pool,
                "host": db.read("host", host, "name_label") if host else "",
                "host_uuid": domain.host_uuid,
                "vm": db.read("VM", vm, "name_label") if vm else "",
                "vm_uuid": domain.vm_uuid,
                "domid": domain.domid,
                "state": domain.state.value,
                "alive": domain.alive,
            }
        )
    return listed

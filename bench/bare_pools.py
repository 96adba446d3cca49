"""The XAPI calls of a join or an ejection and nothing else, by a plain XenAPI script: the floor.

    python -m bench.bare_pools join|eject USER PASSWORD POOL_URL HOST_URL AGENT_VM

Both shut the VM of the host's agent down first; after a join it is started again. Prints JSON:
{"wall_s": …, "cpu_s": …}.
"""

import json
import sys
import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Any

import XenAPI

WITHIN_S = 300.0
LOOK_S = 0.5
AWAY = (OSError, HTTPException, XenAPI.Failure)


def line(url: str, user: str, password: str) -> Any:
    """Return a line to a XAPI."""
    session = XenAPI.Session(url)
    session.xenapi.login_with_password(user, password, "1.0", "bench")
    return session.xenapi


def wait(so: Callable[[], bool]) -> None:
    """Return once it is so; what answers with an error meanwhile is asked again."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        try:
            if so():
                return
        except AWAY:
            if time.monotonic() > deadline:
                raise
        time.sleep(LOOK_S)


def join(pool: Any, host: Any, login: tuple[str, str], agent_vm: str) -> None:
    """Have the host join, wait until it serves, and start its agent's VM."""
    (itself,) = host.host.get_all()
    host_id = host.host.get_uuid(itself)
    host.VM.clean_shutdown(host.VM.get_by_uuid(agent_vm))
    (here,) = pool.pool.get_all()
    host.pool.join(pool.host.get_address(pool.pool.get_master(here)), *login)

    def serves() -> bool:
        member = pool.host.get_by_uuid(host_id)
        live = pool.host_metrics.get_live(pool.host.get_metrics(member))
        return bool(live and pool.host.get_enabled(member))

    wait(serves)
    started = pool.VM.get_by_uuid(agent_vm), pool.host.get_by_uuid(host_id)
    pool.VM.start_on(*started, False, False)


def eject(pool: Any, agent_vm: str) -> None:
    """Eject the host that the agent's VM runs on, and wait until it is no member."""
    vm = pool.VM.get_by_uuid(agent_vm)
    host = pool.VM.get_resident_on(vm)
    pool.VM.clean_shutdown(vm)
    pool.pool.eject(host)
    wait(lambda: host not in pool.host.get_all())


def main() -> None:
    """Do it, and print what it took."""
    what, user, password, pool_url, host_url, agent_vm = sys.argv[1:]
    pool = line(pool_url, user, password)
    began, cpu = time.perf_counter(), time.process_time()
    if what == "join":
        join(pool, line(host_url, user, password), (user, password), agent_vm)
    else:
        eject(pool, agent_vm)
    took = {"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu}
    print(json.dumps(took))


if __name__ == "__main__":
    main()

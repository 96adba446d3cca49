"""The XAPI calls of a migration and nothing else, by a plain XenAPI script: the floor.

    python -m bench.bare URL USER PASSWORD DEST CONCURRENCY VM...

Prints JSON: {"wall_s": …, "cpu_s": …}.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import local
from typing import Any

import XenAPI

_thread = local()


def session(url: str, user: str, password: str) -> Any:
    """Return this thread's session: the library's sessions can't be shared."""
    if not hasattr(_thread, "session"):
        _thread.session = XenAPI.Session(url)
        _thread.session.xenapi.login_with_password(user, password, "1.0", "bench")
    return _thread.session.xenapi


def move(api: Any, instance: str, dest: str) -> None:
    """Move one VM and wait, by events, until its task has ended and it is there."""
    vm, host = api.VM.get_by_uuid(instance), api.host.get_by_uuid(dest)
    task = api.Async.VM.pool_migrate(vm, host, {"live": "true"})
    _wait(api, task)
    _expect(api, instance, vm, host)


def send(api: Any, instance: str, dest: str) -> None:
    """Move one VM with its disks to the SR of another host of the pool, and wait likewise."""
    vm, host = api.VM.get_by_uuid(instance), api.host.get_by_uuid(dest)
    (room,) = [
        sr for sr in map(api.PBD.get_SR, api.host.get_PBDs(host)) if not api.SR.get_shared(sr)
    ]
    vbds = [vbd for vbd in api.VM.get_VBDs(vm) if api.VBD.get_type(vbd) == "Disk"]
    disks = {api.VBD.get_VDI(vbd): room for vbd in vbds}
    (network,) = [
        api.PIF.get_network(pif) for pif in api.host.get_PIFs(host) if api.PIF.get_management(pif)
    ]
    ticket = api.host.migrate_receive(host, network, {})
    task = api.Async.VM.migrate_send(vm, ticket, True, disks, {}, {})
    _wait(api, task)
    _expect(api, instance, vm, host)


def _wait(api: Any, task: str) -> None:
    token = ""
    while True:
        batch = getattr(api.event, "from")([f"task/{task}"], token, 30.0)
        token = batch["token"]
        if any(event["snapshot"]["status"] != "pending" for event in batch["events"]):
            break
    api.task.destroy(task)


def _expect(api: Any, instance: str, vm: str, host: str) -> None:
    if api.VM.get_resident_on(vm) != host:
        raise SystemExit(f"{instance} did not arrive")


def main() -> None:
    """Move all, so many at a time, and print what it took."""
    url, user, password, dest, concurrency, *instances = sys.argv[1:]

    def one(instance: str) -> None:
        move(session(url, user, password), instance, dest)

    with ThreadPoolExecutor(int(concurrency)) as pool:
        list(pool.map(lambda _: session(url, user, password), range(int(concurrency))))
        began, cpu = time.perf_counter(), time.process_time()
        list(pool.map(one, instances))
        took = {"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu}
    print(json.dumps(took))


if __name__ == "__main__":
    main()

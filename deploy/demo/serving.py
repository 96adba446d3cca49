"""`--serve`: everything stays up, with commands to copy and paste."""

import json
import signal
from collections.abc import Iterator, Sequence
from typing import NoReturn

from deploy.demo import berths, processes
from deploy.demo.stack import LOGIN
from deploy.demo.stage import Stage
from xenferry.common.v1 import inventory_pb2 as facts_pb2

SCHEDULER = "xenferry.controller.v1.Scheduler"


def stay_up(on: Stage) -> NoReturn:
    """Print what can be tried, then wait for Ctrl-C or SIGTERM."""
    on.heading("Everything runs", "Copy and paste; Ctrl-C ends it all.")
    for line in _commands(on):
        on.say(line)
    while True:
        signal.pause()


def _commands(on: Stage) -> Iterator[str]:
    ferryctl = processes.program("ferryctl")
    yield ""
    yield f"export XENFERRY_CONTROLLER={on.stack.address}"
    yield f"{ferryctl} hosts"
    yield f"{ferryctl} instances"
    for name, dest in _moves(on)[:1]:
        yield f"{ferryctl} check {name}"
        yield f"{ferryctl} migrate {name} --to {dest}"
    yield f"{ferryctl} list"
    yield ""
    yield from _networked(on, ferryctl)
    yield ""
    grpcurl = f"{processes.program('grpcurl')} -plaintext"
    yield f"{grpcurl} {on.stack.address} list"
    yield f"{grpcurl} {on.stack.address} describe {SCHEDULER}"
    for name, dest in _moves(on)[:1]:
        body = json.dumps({"instance_id": on.instance(name).facts.instance_id, "dest": dest})
        yield f"{grpcurl} -d '{body}' {on.stack.address} {SCHEDULER}/LiveMigration"
    yield f"{grpcurl} {on.stack.address} {SCHEDULER}/ListMigrations"
    yield f"{grpcurl} {on.stack.address} {SCHEDULER}/WatchMigrations"
    yield ""
    for host, url in on.stack.endpoints.items():
        yield f"XAPI of {host}: {url} (user {LOGIN[0]}, password {LOGIN[1]})"
    for process in on.stack.programs:
        yield f"{process.name}: process {process.pid}, log {process.log}"


def _networked(on: Stage, ferryctl: str) -> Iterator[str]:
    """An address that follows an instance; a pool of the two hosts that are there for it."""
    for name, dest in _moves(on)[1:2]:
        yield f"{ferryctl} floating-ip pool-create public 203.0.113.0/24"
        yield f"{ferryctl} floating-ip allocate public --address 203.0.113.1"
        yield f"{ferryctl} floating-ip associate 203.0.113.1 {name}"
        yield f"{ferryctl} migrate {name} --to {dest} --watch"
        yield f"{ferryctl} floating-ip list"
    if berths.JOINER in on.stack.agents:
        yield f"{ferryctl} aggregate create rack-1"
        yield f"{ferryctl} aggregate add-host rack-1 {berths.FIRST}"
        yield f"{ferryctl} aggregate add-host rack-1 {berths.JOINER}"
        yield f"{ferryctl} aggregate show rack-1"


def _moves(on: Stage) -> Sequence[tuple[str, str]]:
    """Return running instances, each with a host of its pool that it is not on."""
    hosts = {host.facts.host_id: host.facts for host in on.stack.hosts()}
    found = []
    for facts in on.instances():
        here = hosts.get(facts.host_id)
        if here is None or facts.power_state != facts_pb2.POWER_STATE_RUNNING:
            continue
        pool = [host.name for host in hosts.values() if host.pool_id == here.pool_id]
        others = [name for name in pool if name != here.name]
        if others:
            found.append((facts.name, others[0]))
    return found

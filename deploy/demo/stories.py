"""The stories of the demo, in order; each raises Differed if it did not come true."""

import json
from collections.abc import Callable, Sequence

from deploy.demo import audit, networked, simulator, stage, xapi
from deploy.demo.stage import Stage

SERVICE = "xenferry.controller.v1.Scheduler"
REFUSED = 4
ARRIVED_WITHIN_S = 30.0
# grpcurl exits with 64 and the number of the status: FAILED_PRECONDITION is 9.
GRPCURL_REFUSED = 64 + 9


def look_around(on: Stage) -> None:
    """The hosts and what runs on them."""
    on.heading(
        "The hosts",
        f"A XAPI simulator, {len(on.stack.agents)} host agents and the controller run as processes "
        "on 127.0.0.1.",
    )
    on.show(["export", f"XENFERRY_CONTROLLER={on.stack.address}"])
    on.run("ferryctl", "hosts")
    on.run("ferryctl", "instances")


def move_one(on: Stage) -> None:
    """A running guest moves, and somebody else sees it arrive."""
    on.heading(
        "web-1 moves from xs1 to xs2",
        "Meanwhile a plain XenAPI client, which knows nothing of xenferry, follows XAPI's events.",
    )
    with xapi.Reader(on.stack.endpoints["xs1"], "web-1") as reader:
        on.run("ferryctl", "migrate", "web-1", "--to", "xs2", "--watch")
        on.check(reader.wait_for("xs2", ARRIVED_WITHIN_S), "XAPI to show web-1 on xs2")
    for sighting in reader.sightings:
        on.say(f"XAPI at {sighting.time:%H:%M:%S.%f}: web-1 is resident on {sighting.host}")
    hosts = [sighting.host for sighting in reader.sightings]
    on.check(hosts == ["xs1", "xs2"], f"XAPI to show web-1 on xs1, then xs2, and it was {hosts}")
    _check_it_runs_on(on, "web-1", "xs2")


def _check_it_runs_on(on: Stage, name: str, host: str) -> None:
    """Ask the simulated hypervisor itself: a domain there and no other."""
    uuid = on.instance(name).facts.instance_id
    ids = {found.facts.host_id: found.facts.name for found in on.stack.hosts()}
    domains = simulator.living_domains(on.stack.control)
    places = [ids[domain.host_uuid] for domain in domains if domain.vm_uuid == uuid]
    on.check(places == [host], f"{name} to run on {host} alone, and it runs on {places}")
    on.check(on.host_of(name) == host, f"the controller to have {name} on {host}")


def refuse(on: Stage) -> None:
    """A move that can't be, with everything that is in its way at once."""
    on.heading(
        "local-1 can't move to xs3 without its disk",
        "All findings come at once, each with what was measured and what to do; nothing is "
        "changed. Exit code 4.",
    )
    before = on.newest_migration(on.instance("local-1").facts.instance_id)
    words = ("local-1", "--to", "xs3", "--no-block")
    on.run("ferryctl", "migrate", *words, expect=REFUSED)
    on.run("ferryctl", "check", *words, expect=REFUSED)
    after = on.newest_migration(on.instance("local-1").facts.instance_id)
    on.check(before == after, "no migration to be written for a refused request")


def by_grpcurl(on: Stage) -> None:
    """The same by any gRPC client: the server tells its contract itself."""
    on.heading("The same with grpcurl", "The controller serves reflection: no .proto is needed.")
    if not stage.is_installed("grpcurl"):
        on.say("grpcurl is not installed here; go on without it", "yellow")
        return
    plain = ("grpcurl", "-plaintext")
    on.capture(*plain, on.stack.address, "list")
    on.capture(*plain, on.stack.address, "describe", f"{SERVICE}.LiveMigration")
    cache = on.instance("cache-1").facts.instance_id
    call = (on.stack.address, f"{SERVICE}/LiveMigration")
    body = json.dumps({"instance_id": cache, "dest": "xs1"})
    answer = json.loads(on.capture(*plain, "-d", body, *call))
    on.run("ferryctl", "watch", answer["migration_id"])
    _check_it_runs_on(on, "cache-1", "xs1")
    local = on.instance("local-1").facts.instance_id
    body = json.dumps({"instance_id": local, "dest": "xs3"})
    on.capture(*plain, "-d", body, *call, expect=GRPCURL_REFUSED)


def survive(on: Stage) -> None:
    """The controller dies in the middle of a move, and the move ends well all the same."""
    on.heading(
        "db-1 moves, and the controller is killed on the way",
        "As soon as the move is well under way the controller gets SIGKILL. It starts again at "
        "once, reads its journal and carries the migration to its end.",
    )
    source = on.host_of("db-1")
    dest = "xs1" if source == "xs2" else "xs2"
    with on.running("ferryctl", "migrate", "db-1", "--to", dest, "--watch") as watcher:
        killed = _kill_and_restart(on)
        code = watcher.wait(stage.COMMAND_S)
    on.say(killed)
    on.check(code == 0, f"the watched migration to succeed, and ferryctl exited with {code}")
    _check_it_runs_on(on, "db-1", dest)
    migration = on.newest_migration(on.instance("db-1").facts.instance_id)
    if migration is None:
        raise stage.Differed("the controller to know the migration of db-1")
    on.run("ferryctl", "show", migration.migration_id)


def _kill_and_restart(on: Stage) -> str:
    migration = on.wait_for_move(on.instance("db-1").facts.instance_id, percent=20.0)
    pid = on.stack.controller.pid
    on.stack.kill_controller()
    on.stack.start_controller()
    return (
        f"the controller, process {pid}, was killed at {migration.progress.percent:.0f} % "
        f"and came back as process {on.stack.controller.pid}"
    )


def close(on: Stage) -> None:
    """Everything rests, and all sides agree."""
    on.heading("In the end", "XAPI, the hypervisors and the controller are compared.")
    differences = audit.differences(on.stack)
    for difference in differences:
        on.say(difference, "red")
    on.check(not differences, "XAPI, the hypervisors and the controller to agree")
    on.say("Every VM is there exactly once, nothing is left migrating, all sides agree.")


STORIES: Sequence[Callable[[Stage], None]] = (
    look_around,
    move_one,
    refuse,
    by_grpcurl,
    survive,
    networked.lead_an_address,
    networked.make_a_pool,
    close,
)

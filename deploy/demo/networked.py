"""Stories of what follows an instance, and of hosts that become a pool."""

from deploy.demo import berths, carrying, xapi
from deploy.demo.stage import Stage

AGGREGATE = "rack-1"


def lead_an_address(on: Stage) -> None:
    """A floating IP is carried by the host of its instance, before and after a move."""
    on.heading(
        "An address of the public network follows cache-1",
        "The agents here have floating_ip_driver = none: they take note of what they are to carry. "
        "With nftables they put it up themselves (docs/howto/floating-ips.md).",
    )
    source = on.host_of("cache-1")
    dest = "xs1" if source == "xs2" else "xs2"
    on.run("ferryctl", "floating-ip", "pool-create", "public", "203.0.113.0/24")
    on.run("ferryctl", "floating-ip", "allocate", "public")
    [address] = [one.address for one in carrying.floating_ips(on.stack)]
    on.run("ferryctl", "floating-ip", "associate", address, "cache-1")
    _check_it_is_carried(on, address, source)
    on.run("ferryctl", "migrate", "cache-1", "--to", dest, "--watch")
    on.run("ferryctl", "floating-ip", "list")
    _check_it_is_carried(on, address, dest)


def _check_it_is_carried(on: Stage, address: str, host: str) -> None:
    """Ask every agent what its machine carries."""
    names = {found.facts.host_id: found.facts.name for found in on.stack.hosts()}
    carriers = [names[key] for key, has in carrying.carried(on.stack).items() if address in has]
    on.check(carriers == [host], f"{address} to be carried by {host} alone, not by {carriers}")
    on.say(f"Of all agents {host}'s alone carries {address}.")


def make_a_pool(on: Stage) -> None:
    """A host joins another one's pool, and its agent comes back as a member's."""
    on.heading(
        f"{berths.JOINER} joins the pool of {berths.FIRST}",
        "Each is a pool of its own. The plug-in in dom0 of the coordinator, the one that ships, "
        f"shuts the agent's VM of {berths.JOINER} down, joins the host, waits for its toolstack, "
        "and starts the VM again.",
    )
    before = len(xapi.coordinators(on.stack.endpoints.values()))
    on.run("ferryctl", "aggregate", "create", AGGREGATE, "--zone", "north")
    on.run("ferryctl", "aggregate", "add-host", AGGREGATE, berths.FIRST)
    on.run("ferryctl", "aggregate", "add-host", AGGREGATE, berths.JOINER)
    on.run("ferryctl", "aggregate", "show", AGGREGATE)
    after = len(xapi.coordinators(on.stack.endpoints.values()))
    on.check(after == before - 1, f"XAPI to have a pool less than {before}, and it has {after}")

"""Floating IPs on real wires: namespaces are the client, two agents' machines, and the guest."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from pyroute2.nftables.main import NFTables

from deploy.demo import netlab
from deploy.demo.netlab import Lab, Machine
from hostagent.dataplane import nftables
from hostagent.dataplane.carrier import Unusable
from hostagent.dataplane.neighbours import Arrival
from hostagent.dataplane.nftables import Nftables
from hostagent.model.errors import NotApplied, StaleRevision
from hostagent.model.floating_ips import Action, Binding, FloatingIpSettings, Item
from tests.service.hostagent import lines

SKIP = netlab.reason_to_skip()
pytestmark = pytest.mark.skipif(bool(SKIP), reason=SKIP)

ADDRESS, ADDRESS_6, OTHER = "203.0.113.100", "2001:db8::100", "203.0.113.101"
V4 = Binding(ADDRESS, 0, "guest", netlab.GUEST)
V6 = Binding(ADDRESS_6, 0, "guest", netlab.GUEST_6)

Open = Callable[..., Awaitable[Nftables]]


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Return machines and wires of this test alone."""
    with netlab.a_lab() as built:
        yield built


@pytest_asyncio.fixture
async def opened() -> AsyncIterator[Open]:
    """Return what opens the carrier of a machine, as an agent there does when it starts."""
    async with AsyncExitStack() as stack:

        async def carrier(machine: Machine, masquerade: bool = True) -> Nftables:
            settings = FloatingIpSettings(
                "nftables", netlab.PUBLIC, machine.name, masquerade, netlab.INNER
            )
            made = await nftables.opened(settings)
            stack.push_async_callback(made.close)
            return made

        yield carrier


def addresses(machine: Machine, interface: str = netlab.PUBLIC) -> set[str]:
    """Return what is on an interface."""
    words = machine.ip(f"addr show dev {interface}").splitlines()
    return {line.split()[3] for line in words if "fe80::" not in line}


def mac(machine: Machine, interface: str = netlab.PUBLIC) -> str:
    """Return an interface's hardware address."""
    return machine.ip(f"link show {interface}").split("link/ether ")[1].split()[0]


@pytest.mark.parametrize("binding", [V4, V6], ids=["IPv4", "IPv6"])
async def test_a_connection_reaches_the_guest_before_and_after_a_move(
    lab: Lab, opened: Open, binding: Binding
) -> None:
    source, dest = await opened(lab.one), await opened(lab.two)
    await source.apply(1, [binding])
    assert lab.client.ask(binding.address) == "one"
    assert lab.client.mac_of(binding.address) == mac(lab.one)

    lab.move_guest("two")
    await source.apply(2, [])
    await dest.apply(3, [binding])

    assert lab.client.mac_of(binding.address) == mac(lab.two), "its neighbours were not told"
    assert lab.client.ask(binding.address) == "two"


async def test_an_open_connection_lives_through_a_move_where_the_guest_sees_the_client(
    lab: Lab, opened: Open
) -> None:
    lab.share_gateway()
    source, dest = await opened(lab.one, False), await opened(lab.two, False)
    await source.apply(1, [V4])
    with lab.client.connect(ADDRESS) as line:
        await source.apply(2, [])
        await dest.apply(3, [V4])
        line.sendall(b"still there?")

        assert line.recv(100) == b"one", "the guest, which has kept its connections, did not hear"


async def test_a_guest_goes_out_by_its_floating_ip(lab: Lab, opened: Open) -> None:
    lab.share_gateway()
    lab.two.ip(f"link set {netlab.INNER} down")
    await (await opened(lab.one, False)).apply(1, [V4])
    place = (netlab.CLIENT, netlab.PORT)

    with (
        lab.client.run(lambda: socket.create_server(place)) as listener,
        lab.guest["one"].run(lambda: socket.create_connection(place, netlab.TIMEOUT_S)),
    ):
        line, (peer, _) = listener.accept()
        line.close()

    assert peer == ADDRESS


async def test_a_repeat_finds_nothing_to_do(lab: Lab, opened: Open) -> None:
    carrier = await opened(lab.one)
    first = await carrier.apply(1, [V4, V6])

    again = await carrier.apply(1, [V4, V6])

    assert {item.action for item in first.items} == {Action.ADDED}
    assert again.items == ()
    assert again.carried == first.carried == (V4, V6)


async def test_what_is_carried_is_what_the_machine_shows(lab: Lab, opened: Open) -> None:
    carrier = await opened(lab.one)
    await carrier.apply(1, [V4, V6])
    lab.one.ip(f"addr del {ADDRESS}/32 dev {netlab.PUBLIC}")

    assert await carrier.carried() == (ADDRESS_6,)
    lab.one.ip(f"link del {netlab.PUBLIC}")
    with pytest.raises(NotApplied):
        await carrier.carried()


@pytest.mark.parametrize("anew", [False, True], ids=["same agent", "agent started anew"])
async def test_an_open_connection_does_not_go_on_to_the_instance_that_an_address_led_to(
    lab: Lab, opened: Open, anew: bool
) -> None:
    lab.guest["two"].ip("link set eth0 address 02:00:00:00:00:06", "link set eth0 up")
    lab.guest["two"].ip("addr add 10.0.0.6/24 dev eth0")
    carrier = await opened(lab.one)
    await carrier.apply(1, [V4, V6])
    with lab.client.connect(ADDRESS) as line, lab.client.connect(ADDRESS_6) as other:
        carrier = await opened(lab.one) if anew else carrier
        await carrier.apply(2, [Binding(ADDRESS, 0, "other", "10.0.0.6"), V6])

        with pytest.raises(ConnectionResetError):
            lines.say(line, "is it you?")
        assert lines.say(other, "and you?") == "one", "a flow of another address was ended"
    assert lab.client.ask(ADDRESS) == "two"


@pytest.mark.parametrize("anew", [False, True], ids=["same agent", "agent started anew"])
@pytest.mark.parametrize("binding", [V4, V6], ids=["IPv4", "IPv6"])
async def test_no_flow_is_led_by_an_address_that_is_carried_no_more(
    lab: Lab, opened: Open, binding: Binding, anew: bool
) -> None:
    carrier = await opened(lab.one)
    await carrier.apply(1, [binding])
    with lab.client.connect(binding.address):
        assert lab.one.run(lambda: lines.flows_of(binding.address))

        await (await opened(lab.one) if anew else carrier).apply(2, [])

        assert not lab.one.run(lambda: lines.flows_of(binding.address))


async def test_what_a_guest_sends_on_after_its_arrival_goes_out_by_its_address(
    lab: Lab, opened: Open
) -> None:
    lab.share_gateway()
    lab.two.ip(f"link set {netlab.INNER} down")
    carrier = await opened(lab.one, False)
    other = Binding(OTHER, 0, "other", "10.0.0.6")
    await carrier.apply(1, [other])
    with (
        lab.client.run(lambda: lines.datagrams(netlab.CLIENT)) as there,
        lab.guest["one"].run(lambda: lines.datagrams(netlab.GUEST)) as guest,
    ):
        guest.sendto(b"before", (netlab.CLIENT, netlab.PORT))
        assert there.recvfrom(100)[1][0] == netlab.GUEST

        await carrier.apply(2, [other, V4])
        guest.sendto(b"after", (netlab.CLIENT, netlab.PORT))

        assert there.recvfrom(100)[1][0] == ADDRESS


async def test_what_is_not_ours_is_not_touched(lab: Lab, opened: Open) -> None:
    lab.one.run(lambda: _table("add", "somebody"))
    before = addresses(lab.one)
    carrier = await opened(lab.one)

    await carrier.apply(1, [V4])
    await carrier.apply(2, [])

    assert addresses(lab.one) == before
    assert lab.one.run(_tables) == {"somebody", "xenferry"}
    assert addresses(lab.one, netlab.INNER) == {"10.0.0.11/24", "fd00::11/64"}


async def test_an_address_that_somebody_else_put_up_is_neither_taken_over_nor_taken_down(
    lab: Lab, opened: Open
) -> None:
    lab.one.ip(f"addr add {ADDRESS}/32 dev {netlab.PUBLIC}")
    carrier = await opened(lab.one)

    applied = await carrier.apply(1, [V4, V6])
    await carrier.apply(2, [])

    assert applied.carried == (V6,)
    (failed,) = [item for item in applied.items if item.action is Action.FAILED]
    assert "was not put there by xenferry" in failed.why
    assert f"{ADDRESS}/32" in addresses(lab.one)


async def test_an_older_set_is_refused_also_by_an_agent_that_was_started_anew(
    lab: Lab, opened: Open
) -> None:
    await (await opened(lab.one)).apply(7, [V4])

    with pytest.raises(StaleRevision, match="revision 7 of the floating IPs was applied"):
        await (await opened(lab.one)).apply(6, [])

    assert f"{ADDRESS}/32" in addresses(lab.one)


async def test_an_agent_that_was_started_anew_takes_down_what_is_not_wanted_any_more(
    lab: Lab, opened: Open
) -> None:
    other = Binding(OTHER, 0, "other", "10.0.0.6")
    await (await opened(lab.one)).apply(1, [V4, V6])
    assert lab.client.ask(ADDRESS) == "one", "what is carried stays when an agent starts"

    applied = await (await opened(lab.one)).apply(2, [V6, other])

    assert set(applied.items) == {Item(ADDRESS, Action.REMOVED), Item(OTHER, Action.ADDED)}
    assert {f"{OTHER}/32", f"{ADDRESS_6}/128"} <= addresses(lab.one)
    assert f"{ADDRESS}/32" not in addresses(lab.one)


async def test_a_machine_that_has_lost_its_interface_says_so(lab: Lab, opened: Open) -> None:
    carrier = await opened(lab.one)
    lab.one.ip(f"link del {netlab.PUBLIC}")

    with pytest.raises(NotApplied, match=f"there is no interface {netlab.PUBLIC}"):
        await carrier.apply(1, [V4])


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (f"link del {netlab.PUBLIC}", "there is no interface"),
        (f"link set {netlab.PUBLIC} down", "is down"),
    ],
)
async def test_an_agent_on_a_machine_that_can_not_carry_does_not_start(
    lab: Lab, opened: Open, break_it: str, said: str
) -> None:
    lab.one.ip(break_it)

    with pytest.raises(Unusable, match=said):
        await opened(lab.one)


async def test_an_agent_on_a_machine_that_does_not_forward_does_not_start(
    lab: Lab, opened: Open
) -> None:
    lab.one.run(lambda: netlab.forward(on=False))

    with pytest.raises(Unusable, match=r"sysctl -w net\.ipv4\.ip_forward=1"):
        await opened(lab.one)


async def test_an_agent_without_its_namespace_does_not_start() -> None:
    settings = FloatingIpSettings("nftables", netlab.PUBLIC, "xf-missing")

    with pytest.raises(Unusable, match="xf-missing"):
        await nftables.opened(settings)


@pytest.mark.parametrize("address", ["10.0.0.77", "fd00::77"])
async def test_neighbours_of_an_instance_are_told_of_its_arrival(
    lab: Lab, opened: Open, address: str
) -> None:
    guest = lab.guest["one"]
    guest.ip(f"neigh add {address} lladdr 02:00:00:00:00:aa dev eth0 nud stale")

    await (await opened(lab.one)).announce([Arrival(address, "02:00:00:00:00:bb")])

    assert guest.mac_of(address) == "02:00:00:00:00:bb"


def _table(command: str, name: str) -> None:
    with NFTables(nfgen_family=1) as line:
        line.table(command, name=name)


def _tables() -> set[str]:
    with NFTables(nfgen_family=1) as line:
        return {str(table.get_attr("NFTA_TABLE_NAME")) for table in line.get_tables()}

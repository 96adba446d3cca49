"""A host's door: when clients can come in."""

import socket
from pathlib import Path

import pytest

from xapisim.classes.engine import Seat
from xapisim.classes.pool import Account
from xapisim.faults.registry import Faults
from xapisim.server.assembly import Settings, build
from xapisim.server.calls import Calls
from xapisim.server.doors import Door, TcpDoor, UnixDoor
from xapisim.server.endpoint import Endpoint
from xapisim.server.traffic import Traffic
from xapisim.trace import Trace
from xapisim.world import files


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    world = tmp_path / "one.toml"
    world.write_text('[pool]\nname = "p"\n[[host]]\nname = "h"\n')
    engine = build(files.read(world, 0), Settings(Account("root", "")), Faults())
    return Calls(Seat("h", engine, engine.pool.coordinator), Trace())


def connect(door: Door) -> socket.socket:
    if isinstance(door, UnixDoor):
        client = socket.socket(socket.AF_UNIX)
        client.connect(door.address)
        return client
    host, _, port = door.address.partition(":")
    return socket.create_connection((host, int(port)))


@pytest.mark.parametrize("kind", ["tcp", "unix"])
async def test_clients_can_connect_as_soon_as_a_door_is_told_to_open(
    calls: Calls, tmp_path: Path, kind: str
) -> None:
    door = TcpDoor("127.0.0.1", 0) if kind == "tcp" else UnixDoor(tmp_path / "h.sock")
    endpoint = Endpoint(calls, door, Traffic())
    await endpoint.open()
    endpoint.cut()
    with pytest.raises(ConnectionRefusedError):
        connect(door)

    opening = endpoint.open()
    client = connect(door)

    await opening
    client.close()
    await endpoint.close()


async def test_a_door_that_is_shut_while_it_opens_stays_shut(calls: Calls) -> None:
    door = TcpDoor("127.0.0.1", 0)
    endpoint = Endpoint(calls, door, Traffic())

    opening = endpoint.open()
    endpoint.cut()
    await opening

    with pytest.raises(ConnectionRefusedError):
        connect(door)

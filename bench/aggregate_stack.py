"""A coordinator with the plug-in that ships in dom0, and hosts of a pool each that may join it."""

import json
from pathlib import Path

from deploy.demo.stack import LOGIN, ROOT, Stack

NORTH = f"""
[pool]
name = "north"
[[host]]
name = "n1"
[[network]]
name = "lan"
[[sr]]
name = "nfs-1"
[[plugin]]
name = "xenferry-pool"
program = "{ROOT / "deploy/dom0/xenferry-pool"}"
"""


def agent_vm(number: int) -> str:
    """Return the uuid of the VM that a southern host's agent is said to run in."""
    return f"5d0c1b3e-7a52-4d0f-9c55-{number:012x}"


def south(number: int) -> str:
    """Return the world of a pool of one host."""
    return f"""
[pool]
name = "south-{number}"
[[host]]
name = "s{number}"
[[network]]
name = "lan"
[[sr]]
name = "local-s{number}"
host = "s{number}"
[[vm]]
name = "agent-s{number}"
uuid = "{agent_vm(number)}"
memory = "1 GiB"
host = "s{number}"
disks = [{{ sr = "local-s{number}", size = "8 GiB" }}]
"""


def a_stack(folder: Path, pairs: int, time_factor: float) -> Stack:
    """Return a stack that is not started: a coordinator, and two hosts beside it for each pair."""
    worlds = {"north": NORTH} | {f"south-{n}": south(n) for n in range(1, 2 * pairs + 1)}
    paths = [folder / f"{name}.toml" for name in worlds]
    for path, world in zip(paths, worlds.values(), strict=True):
        path.write_text(world)
    secrets = {"user": LOGIN[0], "password": LOGIN[1], "scheme": "http"}
    (folder / "secrets.json").write_text(json.dumps(secrets))
    owned = {f"s{n}": f'[migration]\nown_vm = "{agent_vm(n)}"\n' for n in range(1, 2 * pairs + 1)}
    return Stack(
        folder,
        world=paths[0],
        more_worlds=paths[1:],
        time_factor=time_factor,
        agent_tables_of=owned,
        simulator_environment={
            "XENFERRY_POOL_SECRETS": str(folder / "secrets.json"),
            "XENFERRY_POOL_STATE": str(folder / "state"),
        },
    )

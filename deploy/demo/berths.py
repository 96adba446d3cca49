"""The demo's stack: its own pool, and beside it two of a host each that can become one."""

import json
from pathlib import Path

from deploy.demo import processes
from deploy.demo.stack import DEMO_WORLD, LOGIN, ROOT, Stack

FIRST, JOINER = "b1", "b2"
WORLDS = [ROOT / "deploy" / "worlds" / f"berth-{number}.toml" for number in (1, 2)]
AGENT_VM = "5d0c1b3e-7a52-4d0f-9c55-000000000201"


def stack(directory: Path, time_factor: float, launcher: processes.Launcher) -> Stack:
    """Return it, with what dom0's plug-in needs to let a host join."""
    secrets = directory / "pool.json"
    secrets.write_text(json.dumps({"user": LOGIN[0], "password": LOGIN[1], "scheme": "http"}))
    return Stack(
        directory,
        DEMO_WORLD,
        time_factor,
        more_worlds=WORLDS,
        controller_tables="[aggregates]\npoll_s = 0.5\n",
        agent_tables_of={JOINER: f'[migration]\nown_vm = "{AGENT_VM}"\n'},
        simulator_environment={
            "XENFERRY_POOL_SECRETS": str(secrets),
            "XENFERRY_POOL_STATE": str(directory / "pool-operations"),
            "XENFERRY_POOL_RETRY_S": "0.2",  # simulated hosts restart quicker than real ones
        },
        launcher=launcher,
    )

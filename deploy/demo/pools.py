"""The demo on a real pool's database: one of its VMs moves, or is refused for a true reason."""

from collections.abc import Callable

from deploy.demo import audit
from deploy.demo.stage import Stage

REFUSED = 4


def story(instance: str, to: str) -> Callable[[Stage], int]:
    """Return the story of one instance; it returns 0 when it moved and 4 when it was refused."""

    def tell(on: Stage) -> int:
        on.heading("The pool", f"Served from {on.stack.world.name}, with an agent for each host.")
        on.show(["export", f"XENFERRY_CONTROLLER={on.stack.address}"])
        on.run("ferryctl", "hosts")
        on.run("ferryctl", "instances")
        source = on.host_of(instance)
        dest = to or _other_host(on, source)
        on.heading(f"{instance} is to move from {source or 'nowhere'} to {dest}")
        code = on.run("ferryctl", "migrate", instance, "--to", dest, "--watch", expect=None)
        on.check(code in (0, REFUSED), f"a move or a refusal, and ferryctl exited with {code}")
        expected = dest if code == 0 else source
        now = on.host_of(instance)
        on.check(now == expected, f"{instance} to be on {expected}, and it is on {now}")
        differences = audit.differences(on.stack)
        on.check(not differences, f"all sides to agree, but {'; '.join(differences)}")
        return code

    return tell


def _other_host(on: Stage, source: str) -> str:
    others = sorted(name for name in on.stack.agents if name != source)
    on.check(len(others) == 1, f"--to one of {', '.join(others)}")
    return others[0]

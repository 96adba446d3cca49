"""Users beside root: a world gives them roles, and a call beyond the role is refused."""

from collections.abc import Iterator

import pytest
import XenAPI

from tests.support.sim import PASSWORD, Simulator

ROLES = ["read-only", "vm-operator", "vm-admin", "vm-power-admin", "pool-operator", "pool-admin"]
USERS = "".join(
    f'[[user]]\nname = "{role}"\npassword = "of-{role}"\nrole = "{role}"\n' for role in ROLES
)
WORLD = f"""
[pool]
name = "p"
[[host]]
name = "h1"
[[network]]
name = "lan"
[[sr]]
name = "nfs"
[[vm]]
name = "app"
memory = "256 MiB"
host = "h1"
{USERS}
"""


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(WORLD, time_factor=50.0) as simulator:
        yield simulator


def logged_in(sim: Simulator, user: str, password: str) -> XenAPI.Session:
    session = XenAPI.Session(sim.endpoints["h1"])
    session.xenapi.login_with_password(user, password, "1.0", "roles")
    return session


def refusal(session: XenAPI.Session, call: str, *arguments: object) -> list[str]:
    target = session.xenapi
    for word in call.split("."):
        target = getattr(target, word)
    try:
        target(*arguments)
    except XenAPI.Failure as failure:
        details: list[str] = failure.details
        return details
    return []


CALLS = {
    "VM.get_all_records": "read-only",
    "VM.clean_shutdown": "vm-operator",
    "VM.set_name_label": "vm-admin",
    "VM.pool_migrate": "vm-power-admin",
    "Async.VM.pool_migrate": "vm-power-admin",
    "host.disable": "pool-operator",
    "VM.send_sysrq": "pool-admin",
    "pool.join": "pool-operator",
}
"""With the lowest role that may send them."""
NOTHING = "OpaqueRef:nothing"
ARGUMENTS: dict[str, tuple[object, ...]] = {
    "VM.get_all_records": (),
    "VM.clean_shutdown": (NOTHING,),
    "VM.set_name_label": (NOTHING, "x"),
    "VM.pool_migrate": (NOTHING, NOTHING, {}),
    "VM.send_sysrq": (NOTHING, "s"),
    "host.disable": (NOTHING,),
    "pool.join": ("127.0.0.1:1", "root", "x"),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("call", CALLS)
def test_a_role_may_send_what_it_or_a_lesser_one_may(sim: Simulator, call: str, role: str) -> None:
    session = logged_in(sim, role, f"of-{role}")

    answer = refusal(session, call, *ARGUMENTS[call.removeprefix("Async.")])

    denied = [
        "RBAC_PERMISSION_DENIED",
        call.removeprefix("Async.").lower(),
        "No permission in user session",
    ]
    assert (answer == denied) == (ROLES.index(role) < ROLES.index(CALLS[call]))


def test_root_may_do_everything(sim: Simulator) -> None:
    session = logged_in(sim, "root", PASSWORD)
    (host,) = session.xenapi.host.get_all()

    assert refusal(session, "host.disable", host) == []
    assert refusal(session, "host.enable", host) == []
    assert session.xenapi.session.get_is_local_superuser(session.handle)


def test_a_user_is_known_by_password_and_has_no_local_session(sim: Simulator) -> None:
    with pytest.raises(XenAPI.Failure) as wrong:
        logged_in(sim, "read-only", "guess")
    with pytest.raises(XenAPI.Failure) as local:
        XenAPI.Session(sim.endpoints["h1"]).slave_local_login_with_password(
            "pool-admin", "of-pool-admin"
        )

    assert wrong.value.details[0] == "SESSION_AUTHENTICATION_FAILED"
    assert local.value.details[0] == "SESSION_AUTHENTICATION_FAILED"
    session = logged_in(sim, "read-only", "of-read-only")
    assert not session.xenapi.session.get_is_local_superuser(session.handle)


def test_a_user_without_a_known_role_is_refused_at_the_start() -> None:
    world = WORLD.replace('role = "vm-admin"', 'role = "wizard"')

    with pytest.raises(RuntimeError, match=r"user\[2\]\.role: one of read-only, .* expected"):
        Simulator(world)

"""session.*: logging in and out."""

from xapisim.classes.call import Call, Handler
from xapisim.values import VOID, Value


def login_with_password(
    call: Call, user: str, password: str, _version: str, originator: str
) -> Value:
    """A member sends every login to its coordinator before it looks at the password."""
    if call.engine.sessions.is_member(call.host):
        raise call.engine.sessions.redirect(call.host)
    call.engine.sessions.authenticate(user, password)
    return call.engine.sessions.open(user, call.host, originator)


def slave_local_login_with_password(call: Call, user: str, password: str) -> Value:
    call.engine.sessions.authenticate_root(user, password)
    return call.engine.sessions.open_local(call.host)


def logout(call: Call) -> Value:
    call.engine.sessions.close(call.session)
    return VOID


def get_all_subject_identifiers(_call: Call) -> Value:
    return []


METHODS: dict[str, Handler] = {
    "session.login_with_password": login_with_password,
    "session.slave_local_login_with_password": slave_local_login_with_password,
    "session.logout": logout,
    "session.local_logout": logout,
    "session.get_all_subject_identifiers": get_all_subject_identifiers,
}

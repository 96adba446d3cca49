"""Sessions: pool sessions are rows of the database, a host's local sessions live beside it."""

from xapisim.classes.events import Events
from xapisim.classes.members import Members
from xapisim.classes.pool import Pool
from xapisim.errors import XapiError
from xapisim.schema import roles
from xapisim.values import NULL
from xapisim.world.model import User

MAX_IDLE_S = 24 * 3600.0
MAX_PER_ORIGINATOR = 500
MAX_ANONYMOUS = 400
REFRESH_S = 600.0
"""`last_active` is written again only when it is older than this."""


_DENIED = "No permission in user session"


class Sessions:
    def __init__(self, pool: Pool, events: Events, members: Members) -> None:
        self._pool = pool
        self._members = members
        self._db = pool.database
        self._events = events
        self._last_active: dict[str, float] = {}
        self._local: dict[str, str] = {}
        self._users: dict[str, User] = {}
        """Of sessions that are not root's."""
        self._tasks: dict[str, set[str]] = {}

    def authenticate(self, user: str, password: str) -> None:
        known = self._pool.users.get(user)
        if known is None or known.password != password:
            self.authenticate_root(user, password)

    def authenticate_root(self, user: str, password: str) -> None:
        account = self._pool.account
        if (user, password) != (account.user, account.password):
            raise XapiError("SESSION_AUTHENTICATION_FAILED", user, "Authentication failure")

    def authorize(self, ref: str, call: str) -> None:
        """Root may do everything, others what their role may."""
        user = self._users.get(ref)
        if user is not None and not roles.may(user.role, call):
            raise XapiError("RBAC_PERMISSION_DENIED", call.lower(), _DENIED)

    def open(self, user: str, host: str, originator: str) -> str:
        now = self._pool.clock.stamp()
        ref = self._pool.add(
            "session",
            {
                "this_host": host,
                "this_user": NULL,
                "last_active": now,
                "validation_time": now,
                "is_local_superuser": user not in self._pool.users,
                "auth_user_name": user,
                "originator": originator,
            },
        )
        self._last_active[ref] = self._pool.clock.now()
        if user in self._pool.users:
            self._users[ref] = self._pool.users[user]
        return ref

    def open_local(self, host: str) -> str:
        ref = self._pool.ids.fresh_ref()
        self._local[ref] = host
        return ref

    def check(self, ref: str, host: str) -> None:
        """Raises SESSION_INVALID, or HOST_IS_SLAVE for a session that is good at the coordinator
        alone (recorded on xapi 26.17).
        """
        if self._local.get(ref) == host:
            return
        if not self._db.has("session", ref):
            raise XapiError("SESSION_INVALID", ref)
        if host != self._members.coordinator_of(host):
            raise self.redirect(host)
        now = self._pool.clock.now()
        if now - self._last_active.get(ref, 0.0) > REFRESH_S:
            self._last_active[ref] = now
            self._db.update("session", ref, last_active=self._pool.clock.stamp())

    def check_local(self, ref: str, host: str) -> None:
        """For the call that ends a local session, which needs no coordinator."""
        if self._local.get(ref) != host:
            raise XapiError("SESSION_INVALID", ref)

    def redirect(self, host: str) -> XapiError:
        """The address is the simulator's endpoint, which an unmodified client can follow."""
        coordinator = self._members.coordinator_of(host)
        return XapiError("HOST_IS_SLAVE", self._pool.endpoints[coordinator])

    def is_member(self, host: str) -> bool:
        """Whether this host sends its clients to another one."""
        return host != self._members.coordinator_of(host)

    def originator(self, ref: str) -> str:
        row = self._db.tables["session"].rows.get(ref)
        return "" if row is None else str(row.fields["originator"])

    def close(self, ref: str) -> None:
        """Ends the session and its blocked event.from; its tasks run on."""
        self._last_active.pop(ref, None)
        self._tasks.pop(ref, None)
        self._users.pop(ref, None)
        if self._local.pop(ref, None) is None and self._db.has("session", ref):
            self._db.delete("session", ref)
        self._events.wake_session(ref)

    def started(self, ref: str, task: str) -> None:
        """A session is kept as long as a task that it started is not finished."""
        self._tasks.setdefault(ref, set()).add(task)

    def _is_busy(self, ref: str) -> bool:
        """A session counts as used while its parent is (xapi 26.17)."""
        while self._db.has("session", ref):
            if self._has_pending(ref):
                return True
            ref = self._db.read("session", ref, "parent")
        return False

    def _has_pending(self, ref: str) -> bool:
        rows = self._db.tables["task"].rows
        started = self._tasks.get(ref, set())
        pending = {t for t in started if t in rows and rows[t].fields["status"] == "pending"}
        if started:
            self._tasks[ref] = pending
        return bool(pending)

    def expire(self, now: float) -> None:
        """Ends sessions unused for a day, and the longest unused of an originator with too many;
        none with a task under way.
        """
        by_originator: dict[str, list[str]] = {}
        idle = [ref for ref in self._last_active if not self._is_busy(ref)]
        for ref in sorted(idle, key=lambda ref: self._last_active[ref]):
            if now - self._last_active[ref] > MAX_IDLE_S:
                self.close(ref)
            else:
                by_originator.setdefault(self.originator(ref), []).append(ref)
        for originator, refs in by_originator.items():
            most = MAX_PER_ORIGINATOR if originator else MAX_ANONYMOUS
            for ref in refs[: max(0, len(refs) - most)]:
                self.close(ref)

    def evict(self, originator: str) -> None:
        """Ends all sessions, or those of one originator (a fault)."""
        for ref in self._db.refs("session"):
            if originator in ("", self.originator(ref)):
                self.close(ref)

    def close_all(self) -> None:
        for ref in self._db.refs("session"):
            self.close(ref)

"""host.migrate_receive hands out a ticket; whoever shows it may send a VM to that host."""

from dataclasses import dataclass

from xapisim.classes.call import Call, Handler
from xapisim.classes.engine import Engine
from xapisim.errors import XapiError, internal
from xapisim.values import Value

_SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the destination said; the session in it is a credential."""

    host: str
    session: str
    master: str

    @classmethod
    def parse(cls, words: dict[str, str]) -> "Ticket":
        """All five members have to be there; an address has to be one."""
        if not {"SM", "host", "xenops", "session_id", "master"} <= words.keys():
            raise internal("Not_found")
        scheme, found, address = words["master"].partition("://")
        if not found or scheme not in _SCHEMES:
            text = f"Http.Url.of_string: can't parse '{words['master']}'"
            reason = r"Failure(\"unsupported URI scheme\")"
            raise internal(f'Failure("{text}: {reason}")')
        return cls(words["host"], words["session_id"], address.rstrip("/"))


@dataclass(frozen=True, slots=True)
class Destination:
    """A host, and the pool it is in; `local` is the VM's own pool, which needs no session."""

    engine: Engine
    host: str
    local: bool
    session: str = ""

    def check_session(self) -> None:
        """Another pool answers to the ticket's session alone, and each use keeps it."""
        if not self.local:
            self.engine.sessions.check(self.session, self.engine.pool.coordinator)


def locate(engine: Engine, ticket: Ticket) -> Destination:
    """A host of this pool needs no session; another pool checks it."""
    if engine.pool.database.has("host", ticket.host):
        return Destination(engine, ticket.host, local=True)
    far = _pool_at(engine, ticket.master)
    found = Destination(far, ticket.host, local=False, session=ticket.session)
    found.check_session()
    far.pool.database.row("host", ticket.host)
    return found


def _pool_at(engine: Engine, address: str) -> Engine:
    for other in (engine, *engine.neighbours.values()):
        coordinator = other.pool.coordinator
        known = other.pool.database.read("host", coordinator, "address")
        if address in (known, other.pool.endpoints.get(coordinator)):
            if other.pool.reachability.is_away(coordinator):
                raise XapiError("CANNOT_CONTACT_HOST", address)
            return other
    raise internal("Connection failed: no route to host.")


def migrate_receive(call: Call, host: str, network: str, _options: dict[str, str]) -> Value:
    """Reserves nothing; the session lives until somebody logs it out."""
    call.database.row("host", host)
    call.database.row("network", network)
    restrictions = call.database.read("pool", call.pool.ref, "restrictions")
    if restrictions.get("restrict_storage_xen_motion") == "true":
        raise XapiError("LICENCE_RESTRICTION", "Storage_motion")
    address = _address(call, host, network)
    user = call.database.tables["session"].rows.get(call.session)
    name = "" if user is None else user.fields["auth_user_name"]
    session = call.engine.sessions.open(name, call.pool.coordinator, "xapi")
    call.database.update("session", session, parent=call.session)
    services = f"http://{address}/services"
    master = call.database.read("host", call.pool.coordinator, "address")
    return {
        "SM": f"{services}/SM?session_id={session}",
        "host": host,
        "xenops": f"{services}/xenops?session_id={session}",
        "session_id": session,
        "master": f"http://{master}",
    }


def _address(call: Call, host: str, network: str) -> str:
    for pif in call.database.rows("PIF"):
        if (pif.fields["host"], pif.fields["network"]) == (host, network):
            if pif.fields["IP"]:
                return str(pif.fields["IP"])
            configured = pif.fields["ip_configuration_mode"] != "None"
            lacks = "INTERFACE_HAS_NO_IP" if configured else "PIF_HAS_NO_NETWORK_CONFIGURATION"
            raise XapiError(lacks, pif.ref)
    raise XapiError("HOST_CANNOT_ATTACH_NETWORK", host, network)


METHODS: dict[str, Handler] = {"host.migrate_receive": migrate_receive}

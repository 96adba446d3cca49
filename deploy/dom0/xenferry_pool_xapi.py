"""How the plug-in xenferry-pool reaches XAPI, its own and that of a joining host."""

import contextlib
import os
import socket
import ssl
import time

import XenAPI
from xenferry_pool_state import Refused, secrets

try:
    from http.client import HTTPException  # novm
    from xmlrpc.client import Fault, ProtocolError, SafeTransport  # novm
except ImportError:
    from httplib import HTTPException  # novm
    from xmlrpclib import Fault, ProtocolError, SafeTransport  # novm

LOCAL_URL = os.environ.get("XENFERRY_POOL_XAPI", "")
PATIENCE_S = float(os.environ.get("XENFERRY_POOL_PATIENCE_S", "900"))
RETRY_S = float(os.environ.get("XENFERRY_POOL_RETRY_S", "2"))
AWAY = (socket.error, ssl.SSLError, HTTPException, ProtocolError, Fault)
PASSING = frozenset(
    [
        "SESSION_INVALID",
        "HOST_IS_SLAVE",
        "HOST_STILL_BOOTING",
        "HOST_OFFLINE",
        "HOST_DISABLED",
        "CANNOT_CONTACT_HOST",
        "HOST_UNKNOWN_TO_MASTER",
        "HOST_MASTER_CANNOT_TALK_BACK",
        "HOST_NOT_LIVE",
        "HANDLE_INVALID",
        "INTERNAL_ERROR",
        "VM_REQUIRES_SR",
        "SR_NOT_ATTACHED",
        "OTHER_OPERATION_IN_PROGRESS",
    ]
)


def connect(url):
    """Return a connection to a XAPI; an empty url is this host's own."""
    if not url:
        return XenAPI.xapi_local()
    if not url.startswith("https:"):
        return XenAPI.Session(url)
    ca_file = secrets().get("ca_file") or None
    context = ssl.create_default_context(cafile=ca_file)
    if ca_file is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return XenAPI.Session(url, transport=SafeTransport(context=context))


@contextlib.contextmanager
def at(url):
    """Log in, and out again whatever happens."""
    session = connect(url)
    known = secrets()
    session.xenapi.login_with_password(known["user"], known["password"], "1.0", "xenferry-pool")
    try:
        yield session.xenapi
    finally:
        try:
            session.xenapi.session.logout()
        except (XenAPI.Failure,) + AWAY:
            pass  # a session that XAPI lost is as good as logged out


def url_of(address):
    """Return where a host's XAPI answers; an address with a scheme is taken as it is."""
    if "://" in address:
        return address
    if address.count(":") > 1 and not address.startswith("["):
        address = "[%s]" % address  # IPv6
    return "%s://%s" % (secrets().get("scheme", "https"), address)


def until(what, look):
    """Call `look` until it returns something true; what passes by itself is borne for a while."""
    deadline = time.time() + PATIENCE_S
    while True:
        error = ["XENFERRY_TIMED_OUT", what, str(int(PATIENCE_S))]
        try:
            found = look()
            if found:
                return found
        except XenAPI.Failure as failure:
            if failure.details[0] not in PASSING:
                raise
            error += failure.details
        except AWAY as away:
            error += [str(away)]
        if time.time() > deadline:
            raise Refused(*error)
        time.sleep(RETRY_S)


def by_uuid(xenclass, uuid):
    """Return the reference of an object, None where there is none."""
    try:
        return xenclass.get_by_uuid(uuid)
    except XenAPI.Failure as failure:
        if failure.details[0] != "UUID_INVALID":
            raise
        return None


def is_member(host_id):
    """Tell whether this pool has the host."""
    with at(LOCAL_URL) as pool:
        return by_uuid(pool.host, host_id) is not None


def is_serving(host_id):
    """Tell whether the host is in this pool, alive and enabled."""
    with at(LOCAL_URL) as pool:
        host = by_uuid(pool.host, host_id)
        if host is None or not pool.host.get_enabled(host):
            return False
        return pool.host_metrics.get_live(pool.host.get_metrics(host))

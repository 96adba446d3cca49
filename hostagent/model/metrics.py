"""How the agent fares with XAPI, for operators; no ids as labels."""

from prometheus_client import Counter, Gauge, Histogram

XAPI_CALLS = Counter(
    "xenferry_xapi_calls_total",
    "Calls to XAPI that ended, by what became of them.",
    ["method", "outcome"],
)
XAPI_SECONDS = Histogram(
    "xenferry_xapi_call_seconds",
    "How long calls to XAPI took; event.from waits for up to 30 s by design.",
    ["method"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
EVENT_RECONNECTS = Counter(
    "xenferry_xapi_event_reconnects_total",
    "How often XAPI's events were asked for anew after a failure.",
)
MIRROR_RESYNCS = Counter(
    "xenferry_xapi_mirror_resyncs_total",
    "How often the mirror was filled anew, by why: begin, lost or counts.",
    ["why"],
)
MIRROR_AGE = Gauge(
    "xenferry_xapi_mirror_age_seconds",
    "Since XAPI last told of its changes; up to 30 s where nothing happens.",
)
TICKETS = Gauge(
    "xenferry_receive_tickets_open",
    "Receive tickets that this agent has given whose migration has not ended.",
)
DISAGREEMENTS = Counter(
    "xenferry_check_disagreements_total",
    "Checks where XAPI's own verdict differs from ours, by reason and by what XAPI says.",
    ["reason", "xapi"],
)

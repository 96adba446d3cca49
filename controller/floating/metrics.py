"""How the hosts carry floating IPs, for operators."""

from prometheus_client import Gauge

BEHIND = Gauge(
    "xenferry_floating_ip_hosts_behind",
    "Hosts that did not do what this process last told them to carry.",
)

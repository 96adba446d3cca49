"""Settings of xenferry-hostagent: one field a table of the file."""

from dataclasses import dataclass, field

from chassis.program import ServeSettings
from chassis.tls import TlsSettings
from hostagent.model.floating_ips import FloatingIpSettings
from hostagent.model.settings import ControllerSettings, MigrationSettings, XapiSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """What xenferry-hostagent reads from --config and XENFERRY_… variables."""

    xapi: XapiSettings
    """The hypervisor."""
    serve: ServeSettings = field(default_factory=ServeSettings)
    """Where the agent listens."""
    tls: TlsSettings = field(default_factory=TlsSettings)
    """The agent's certificate, also shown to the controller."""
    controller: ControllerSettings = field(default_factory=ControllerSettings)
    """Where the agent reports."""
    migration: MigrationSettings = field(default_factory=MigrationSettings)
    """How moves are made and judged."""
    floating_ips: FloatingIpSettings = field(default_factory=FloatingIpSettings)
    """How floating IPs are carried."""

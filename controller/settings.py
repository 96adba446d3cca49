"""What an operator may set for the controller; deploy/examples/controller.toml has every key."""

from dataclasses import dataclass, field

from chassis.program import ServeSettings
from chassis.tls import TlsSettings
from controller.clients.settings import AgentSettings
from controller.saga.settings import SagaSettings


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where migrations, hosts and instances are kept."""

    url: str = "sqlite:///xenferry.db"
    """sqlite:///PATH, a path with a fourth slash being absolute. The directory must be on a local
    disk, and one controller at a time may use it."""


@dataclass(frozen=True, slots=True)
class InventorySettings:
    """How agents report."""

    heartbeat_s: float = 2.0
    """Seconds between the heartbeats that agents are told to send."""

    alive_after_s: float = 10.0
    """Seconds without a heartbeat after which a host no longer counts as alive. Five heartbeats:
    one lost or late is no reason to refuse a move."""

    def __post_init__(self) -> None:
        if not 0 < self.heartbeat_s < self.alive_after_s:
            raise ValueError("heartbeat_s must be above 0 and below alive_after_s")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of xenferry-controller."""

    serve: ServeSettings = field(default_factory=ServeSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    inventory: InventorySettings = field(default_factory=InventorySettings)
    saga: SagaSettings = field(default_factory=SagaSettings)
    agents: AgentSettings = field(default_factory=AgentSettings)

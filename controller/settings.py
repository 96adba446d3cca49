"""What an operator may set for the controller; deploy/examples/controller.toml has every key."""

from dataclasses import asdict, dataclass, field

from chassis.program import ServeSettings
from chassis.tls import TlsSettings
from controller.aggregates.settings import AggregateSettings
from controller.clients.settings import AgentSettings
from controller.floating.settings import FloatingIpSettings
from controller.model.slots import KindLimits, Limits
from controller.saga.settings import SagaSettings
from controller.store.settings import StoreSettings


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
class QueueSettings:
    """How many migrations run at once; what is above waits as QUEUED. 0: no limit."""

    shared_storage_per_source: int = 2
    """Away from one host. As many as an agent takes by its own default; one more would only wait
    there instead of here."""

    shared_storage_per_dest: int = 4
    """To one host: its management link is shared by all that come."""

    shared_storage_in_all: int = 100
    """Altogether."""

    block_per_source: int = 3
    """Away from one host. XAPI refuses a fourth storage migration from a host (xapi 26.17)."""

    block_per_dest: int = 3
    """To one host: its storage takes what all of them send."""

    block_in_all: int = 20
    """Altogether."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 0:
                raise ValueError(f"{name} must not be below 0")

    def limits(self) -> Limits:
        """Return the limits by kind."""
        return Limits(
            shared_storage=KindLimits(
                self.shared_storage_per_source,
                self.shared_storage_per_dest,
                self.shared_storage_in_all,
            ),
            block=KindLimits(self.block_per_source, self.block_per_dest, self.block_in_all),
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of xenferry-controller."""

    serve: ServeSettings = field(default_factory=ServeSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    inventory: InventorySettings = field(default_factory=InventorySettings)
    queue: QueueSettings = field(default_factory=QueueSettings)
    saga: SagaSettings = field(default_factory=SagaSettings)
    agents: AgentSettings = field(default_factory=AgentSettings)
    floating_ips: FloatingIpSettings = field(default_factory=FloatingIpSettings)
    aggregates: AggregateSettings = field(default_factory=AggregateSettings)

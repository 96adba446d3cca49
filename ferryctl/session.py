"""What the global options say, and the controller that they lead to."""

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc

from chassis import channels, tls
from ferryctl import problems
from xenferry.controller.v1 import (
    aggregates_pb2_grpc,
    floating_ips_pb2_grpc,
    inventory_pb2_grpc,
    scheduler_pb2_grpc,
)


class Output(enum.StrEnum):
    """How answers are written."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Controller:
    """The controller's services over one channel."""

    scheduler: scheduler_pb2_grpc.SchedulerStub
    inventory: inventory_pb2_grpc.InventoryStub
    floating_ips: floating_ips_pb2_grpc.FloatingIpsStub
    aggregates: aggregates_pb2_grpc.AggregatesStub
    timeout_s: float
    """Deadline of every unary call."""


@dataclass(frozen=True, slots=True)
class Session:
    """One run of ferryctl."""

    address: str
    tls: tls.TlsSettings
    output: Output
    timeout_s: float

    @property
    def json(self) -> bool:
        """Whether a program reads the output."""
        return self.output is Output.JSON

    @contextmanager
    def connect(self) -> Iterator[Controller]:
        """Yield the controller over a channel of its own.

        Closing the channel also forgets gRPC's backoff, so that the next one tries at once.
        """
        channel = self._open()
        try:
            yield Controller(
                scheduler_pb2_grpc.SchedulerStub(channel),
                inventory_pb2_grpc.InventoryStub(channel),
                floating_ips_pb2_grpc.FloatingIpsStub(channel),
                aggregates_pb2_grpc.AggregatesStub(channel),
                self.timeout_s,
            )
        finally:
            channel.close()

    def _open(self) -> grpc.Channel:
        try:
            return channels.open_sync_channel(self.address, self.tls)
        except tls.PlaintextRefused as error:
            raise problems.TlsOptionsMissing(self.address) from error
        except OSError as error:
            name, why = str(error.filename), error.strerror or str(error)
            raise problems.TlsFileUnreadable(name, why) from error

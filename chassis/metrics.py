"""Metrics of every RPC, under the names that go-grpc-middleware made the field's standard."""

from prometheus_client import Counter, Gauge, Histogram

STARTED = Counter(
    "grpc_server_started_total",
    "RPCs that began on the server.",
    ["grpc_type", "grpc_service", "grpc_method"],
)
HANDLED = Counter(
    "grpc_server_handled_total",
    "RPCs that ended on the server, by the code they ended with.",
    ["grpc_type", "grpc_service", "grpc_method", "grpc_code"],
)
SECONDS = Histogram(
    "grpc_server_handling_seconds",
    "How long RPCs took on the server.",
    ["grpc_type", "grpc_service", "grpc_method"],
)
STREAMS = Gauge("grpc_server_streams", "Streams that are open now.", ["grpc_service"])

"""Channels to our own services: TLS or loopback, keep-alive, no hidden retries."""

import grpc
import grpc.aio

from chassis.tls import PlaintextRefused, TlsSettings, channel_credentials, is_loopback

# 30 s is the least that our servers accept (chassis.server); retries are the caller's decision.
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.enable_retries", 0),
    # A peer that was away is tried again soon, not after the two minutes that are the default.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # A refusal with all its findings is larger than the 8 KiB that trailers have by default.
    ("grpc.max_metadata_size", 32 * 1024),
    ("grpc.absolute_max_metadata_size", 64 * 1024),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
)


def open_channel(target: str, tls: TlsSettings) -> grpc.aio.Channel:
    """Return an aio channel; raises PlaintextRefused for a remote target without TLS."""
    if tls.enabled:
        return grpc.aio.secure_channel(target, channel_credentials(tls), options=OPTIONS)
    if not is_loopback(target):
        raise PlaintextRefused(target)
    return grpc.aio.insecure_channel(target, options=OPTIONS)


def open_sync_channel(target: str, tls: TlsSettings) -> grpc.Channel:
    """Return a blocking channel, for command lines; raises PlaintextRefused as above."""
    if tls.enabled:
        return grpc.secure_channel(target, channel_credentials(tls), options=OPTIONS)
    if not is_loopback(target):
        raise PlaintextRefused(target)
    return grpc.insecure_channel(target, options=OPTIONS)

"""Figures as people read them."""

MIB = 1024 * 1024


def mib(size_bytes: int) -> str:
    """Return a size like "1,024 MiB"."""
    return f"{size_bytes // MIB:,} MiB"

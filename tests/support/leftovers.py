"""Finds processes that a test started and did not end, by what they inherited from it."""

import os
from pathlib import Path


def processes_of(directory: Path) -> list[int]:
    """Return the ids of living processes that were started with TMPDIR set to a directory."""
    mark = f"TMPDIR={directory}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:  # it has ended, or is not ours to look at
            continue
    return found

"""The metrics that the services serve, as the golden files have them."""

from pathlib import Path

_FILES = (Path(__file__).parents[1] / "golden").glob("metrics-*.txt")
KINDS = dict(line.split() for file in _FILES for line in file.read_text().splitlines())
"""The kind of each metric (counter, gauge, histogram) by its name."""

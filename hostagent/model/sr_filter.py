"""Which storage repository takes the disks of a block migration: the setting sr_matching_filter."""

from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT = "default-sr:true"
OTHER_CONFIG = "other-config"


@dataclass(frozen=True, slots=True)
class SrFilter:
    """The pool's default SR, or with a `key` those whose other_config has `key` = `value`."""

    key: str = ""
    value: str = ""

    @property
    def default(self) -> bool:
        """Whether the pool's default SR is meant."""
        return not self.key

    def matches(self, other_config: Mapping[str, str]) -> bool:
        """Tell whether an SR with this other_config is one of those meant."""
        return bool(self.key) and other_config.get(self.key) == self.value


def parse(text: str) -> SrFilter:
    """Read the setting: split at the first ":" and the first "=", all that follows is the value.

    Raises ValueError.
    """
    if text == DEFAULT:
        return SrFilter()
    kind, colon, rest = text.partition(":")
    key, equals, value = rest.partition("=")
    if kind == OTHER_CONFIG and colon and equals and key:
        return SrFilter(key, value)
    raise ValueError(
        f"sr_matching_filter must be {DEFAULT} or {OTHER_CONFIG}:KEY=VALUE, not {text!r}"
    )

"""The order in which XAPI lists what it keeps in a hash table by reference.

It shows where such a list becomes a text or decides what comes first. The function is that of the
runtime XAPI is written in (MurmurHash3 over the block of the reference), checked against recordings
of xapi 26.17.
"""

from collections.abc import Iterable

_PREFIX = "OpaqueRef:"
_MASK = 0xFFFFFFFF
_BUCKETS = 16
_BLOCK_OF_ONE_WORD = 1 << 10


def ordered(refs: Iterable[str]) -> list[str]:
    """Bucket by bucket; within one, the last that came in first."""
    newest_first = list(refs)[::-1]
    buckets = _BUCKETS
    while len(newest_first) > 2 * buckets:
        buckets *= 2
    return sorted(newest_first, key=lambda ref: _hash(ref.removeprefix(_PREFIX)) % buckets)


def _hash(text: str) -> int:
    state = _mixed(0, _BLOCK_OF_ONE_WORD)
    data = text.encode()
    for at in range(0, len(data) // 4 * 4, 4):
        state = _mixed(state, int.from_bytes(data[at : at + 4], "little"))
    if rest := data[len(data) // 4 * 4 :]:
        state = _mixed(state, int.from_bytes(rest, "little"))
    return _finished(state ^ len(data))


def _mixed(state: int, word: int) -> int:
    word = _turned(word * 0xCC9E2D51 & _MASK, 15) * 0x1B873593 & _MASK
    return (_turned(state ^ word, 13) * 5 + 0xE6546B64) & _MASK


def _turned(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & _MASK


def _finished(state: int) -> int:
    state = (state ^ state >> 16) * 0x85EBCA6B & _MASK
    state = (state ^ state >> 13) * 0xC2B2AE35 & _MASK
    return (state ^ state >> 16) & 0x3FFFFFFF

r"""The text forms of a XAPI database: sets `('a' 'b')`, maps `(('k' 'v') …)`, and its escapes.

Quoted texts escape with a backslash; white space that XML would lose is written `%_`, `%n`, `%t`,
`%r`, a per cent sign `%%`.
"""

import re

_PROTECTED = re.compile("%(.)", re.DOTALL)
_MEANING = {"_": " ", "n": "\n", "t": "\t", "r": "\r", "%": "%"}
_TOKEN = re.compile(r"\s*(?:([()])|'((?:[^'\\]|\\.)*)')", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CONTROL = {"n": "\n", "t": "\t", "r": "\r"}


def unprotect(text: str) -> str:
    if "%" not in text:
        return text
    return _PROTECTED.sub(lambda found: _MEANING.get(found[1], found[0]), text)


def _tokens(text: str) -> list[tuple[str, str]]:
    """Parentheses and texts, as (kind, text)."""
    tokens = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"no set or map: {text!r}")
        if found[1]:
            tokens.append((found[1], ""))
        else:
            plain = _ESCAPED.sub(lambda escape: _CONTROL.get(escape[1], escape[1]), found[2])
            tokens.append(("text", plain))
        at = found.end()
    return tokens


def parse_set(text: str) -> list[str]:
    tokens = _tokens(text)
    kinds = [kind for kind, _ in tokens]
    if kinds[:1] != ["("] or kinds[-1:] != [")"] or set(kinds[1:-1]) - {"text"}:
        raise ValueError(f"no set: {text!r}")
    return [item for _, item in tokens[1:-1]]


def parse_map(text: str) -> dict[str, str]:
    tokens = _tokens(text)
    kinds = [kind for kind, _ in tokens]
    inner = tokens[1:-1]
    groups = [inner[at : at + 4] for at in range(0, len(inner), 4)]
    pair = ["(", "text", "text", ")"]
    if kinds[:1] != ["("] or kinds[-1:] != [")"]:
        raise ValueError(f"no map: {text!r}")
    if any([kind for kind, _ in group] != pair for group in groups):
        raise ValueError(f"no map: {text!r}")
    return {group[1][1]: group[2][1] for group in groups}

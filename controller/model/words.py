"""Counts as people read them."""


def counted(count: int, one: str, many: str = "") -> str:
    """Return "1 host" or "2 hosts"; `many` where an s does not do."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def are(count: int) -> str:
    """Return the verb that goes with a count."""
    return "is" if count == 1 else "are"

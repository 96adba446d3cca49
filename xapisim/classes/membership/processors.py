"""What a pool says of its hosts' processors: all of them counted, the features they share."""

from xapisim.classes.pool import Pool
from xapisim.values import Value

_MASKS = ("features_hvm_host", "features_pv_host", "features_hvm", "features_pv")


def refresh(pool: Pool) -> None:
    """After a host came or went; a world that says nothing of this goes on saying nothing."""
    known = pool.database.read("pool", pool.ref, "cpu_info")
    if not known:
        return
    hosts = [row.fields["cpu_info"] for row in pool.database.rows("host")]
    counted = {key: str(_sum(hosts, key)) for key in ("cpu_count", "socket_count") if key in known}
    masks = {mask: _common(hosts, mask) for mask in _MASKS if mask in known}
    pool.database.update("pool", pool.ref, cpu_info={**known, **counted, **masks})


def _sum(hosts: list[dict[str, Value]], key: str) -> int:
    return sum(int(host.get(key, "0")) for host in hosts)


def _common(hosts: list[dict[str, Value]], mask: str) -> str:
    """The bits that are set in every host's mask, as words joined by dashes."""
    masks = [host[mask].split("-") for host in hosts if host.get(mask)]
    words = []
    for column in zip(*masks, strict=False):
        common = int(column[0], 16)
        for word in column[1:]:
            common &= int(word, 16)
        words.append(f"{common:08x}")
    return "-".join(words)

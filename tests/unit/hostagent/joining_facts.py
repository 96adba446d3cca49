"""A pool, and a host that may join it."""

from hostagent.model.facts import HostFacts, SoftwareVersion, SrFacts
from hostagent.model.pools import JoinerFacts


def software(product: str, platform: str) -> SoftwareVersion:
    """Return versions that hosts are compared by."""
    return SoftwareVersion(product, platform, "24.1", "4.17")


POOL = HostFacts(
    "h1",
    "n1",
    pool_id="p1",
    pool_name="north",
    coordinator=True,
    software=software("8.3", "3.4.0"),
    cpu_vendor="GenuineIntel",
    storage_repositories=(
        SrFacts("nfs", "nfs", "nfs", shared=True, attached=True, free_bytes=1),
        SrFacts("local", "local", "ext", shared=False, attached=True, free_bytes=1),
    ),
    default_sr_id="nfs",
)
JOINER = JoinerFacts(
    HostFacts(
        "h2",
        "s1",
        pool_id="p2",
        pool_name="south",
        coordinator=True,
        software=software("8.3", "3.4.0"),
        cpu_vendor="GenuineIntel",
    ),
    product_brand="XCP-ng",
)

"""A pool, another that is full, and for everything that pool.join refuses a host that has it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import dom0
from xapisim.world import toml_world

Records = dict[str, dict[str, dict[str, Any]]]
FULL = """
[pool]
name = "full"
restrictions = { restrict_pool_size = "true" }
[[host]]
name = "t1"
[[host]]
name = "t2"
[[host]]
name = "t3"
[[network]]
name = "lan"
[[sr]]
name = "nfs-t"
"""


def sound(records: Records) -> None:
    """Leave the records as they are."""
    del records


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What is wrong with a host: more of its world, its records spoiled; what XAPI says to it.

    `found`: what the checks say before, empty where only XAPI knows.
    """

    error: str
    found: str = ""
    host: str = ""
    more: str = ""
    spoil: Callable[[Records], None] = sound
    coordinator: str = "n1"
    password: str = dom0.PASSWORD


def only(records: Records, class_name: str) -> dict[str, Any]:
    """Return the first record of a class."""
    return next(iter(records[class_name].values()))


def of_host(**fields: Any) -> Callable[[Records], None]:
    """Spoil fields of the host; a table is merged into the one that is there."""

    def spoil(records: Records) -> None:
        host = only(records, "host")
        for name, value in fields.items():
            host[name] = {**host[name], **value} if isinstance(value, dict) else value

    return spoil


def of_pool(**fields: Any) -> Callable[[Records], None]:
    """Spoil fields of the pool; a table is merged into the one that is there."""

    def spoil(records: Records) -> None:
        pool = only(records, "pool")
        for name, value in fields.items():
            pool[name] = {**pool[name], **value} if isinstance(value, dict) else value

    return spoil


def another(class_name: str, ref: str, pif: str = "") -> Callable[[Records], None]:
    """Have one more PIF, and what hangs on it: a bond, a tunnel or an SR-IOV network."""

    def spoil(records: Records) -> None:
        known = only(records, "PIF")
        made = {**known, "uuid": f"{ref:0>8}-0000-4000-8000-000000000001", "device": "eth1"}
        made |= {"management": False, "MAC": "02:00:00:00:0f:01", "network": known["network"]}
        if class_name == "VLAN":
            made |= {"VLAN": 42, "physical": False}
        else:
            record = {"uuid": f"{ref:0>8}-0000-4000-8000-000000000002", pif: "OpaqueRef:more"}
            records.setdefault(class_name, {})[f"OpaqueRef:{ref}"] = record
        if class_name == "network_sriov":
            made["sriov_physical_PIF_of"] = [f"OpaqueRef:{ref}"]
        records["PIF"]["OpaqueRef:more"] = made

    return spoil


def software(**parts: str) -> Callable[[Records], None]:
    """Spoil parts of the host's software version."""
    return of_host(software_version=parts)


UNLIKE = "HOSTS_NOT_HOMOGENEOUS"
UNFIT = "JOINER_NETWORKS_UNFIT"
BUSY = '[[vm]]\nname = "web-1"\nmemory = "1 GiB"\nhost = "{home}"\n'
OBSTACLES: dict[str, Obstacle] = {
    "running VMs": Obstacle(
        "JOINING_HOST_CANNOT_HAVE_RUNNING_VMS", "HOST_HAS_INSTANCES", more=BUSY
    ),
    "shared storage": Obstacle(
        "JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS",
        "JOINER_HAS_SHARED_STORAGE",
        more='[[sr]]\nname = "nfs-{home}"\n',
    ),
    "members": Obstacle(
        "JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS",
        "HOST_IN_ANOTHER_POOL",
        more='[[host]]\nname = "{home}-b"\n',
    ),
    "another platform": Obstacle("HOSTS_NOT_COMPATIBLE", UNLIKE, host='version = "8.2"'),
    "another brand": Obstacle(
        "HOSTS_NOT_COMPATIBLE", UNLIKE, spoil=software(product_brand="XenServer")
    ),
    "another build": Obstacle(
        "HOSTS_NOT_HOMOGENEOUS", UNLIKE, spoil=software(xapi_build="26.18.0")
    ),
    "another CPU vendor": Obstacle(
        "HOSTS_NOT_HOMOGENEOUS",
        "CPU_INCOMPATIBLE",
        spoil=of_host(cpu_info={"vendor": "AuthenticAMD"}),
    ),
    "high availability": Obstacle(
        "HA_IS_ENABLED", "HIGH_AVAILABILITY", spoil=of_pool(ha_enabled=True)
    ),
    "a bond": Obstacle("POOL_JOINING_HOST_HAS_BONDS", UNFIT, spoil=another("Bond", "b", "master")),
    "a tunnel": Obstacle(
        "POOL_JOINING_HOST_HAS_TUNNELS", UNFIT, spoil=another("tunnel", "c", "access_PIF")
    ),
    "an SR-IOV network": Obstacle(
        "POOL_JOINING_HOST_HAS_NETWORK_SRIOVS",
        UNFIT,
        spoil=another("network_sriov", "d", "physical_PIF"),
    ),
    "a VLAN": Obstacle(
        "POOL_JOINING_HOST_HAS_NON_MANAGEMENT_VLANS", UNFIT, spoil=another("VLAN", "e")
    ),
    "a licence without pools": Obstacle(
        "LICENSE_DOES_NOT_SUPPORT_POOLING",
        "LICENCE_RESTRICTION",
        spoil=of_pool(restrictions={"restrict_pooling": "true"}),
    ),
    "a pool that is full": Obstacle("LICENCE_RESTRICTION", "LICENCE_RESTRICTION", coordinator="t1"),
    "a wrong password": Obstacle(
        "SESSION_AUTHENTICATION_FAILED", "POOL_CREDENTIALS_REFUSED", password="rust"
    ),
    "another directory": Obstacle(
        "POOL_JOINING_EXTERNAL_AUTH_MISMATCH", spoil=of_host(external_auth_type="AD")
    ),
    "another edition": Obstacle("LICENSE_HOST_POOL_MISMATCH", spoil=of_host(edition="premium")),
    "another network backend": Obstacle(
        "OPERATION_NOT_ALLOWED", spoil=software(network_backend="bridge")
    ),
    "another API": Obstacle(
        "POOL_JOINING_HOST_MUST_HAVE_SAME_API_VERSION", spoil=of_host(API_version_minor=20)
    ),
    "another schema": Obstacle(
        "POOL_JOINING_HOST_MUST_HAVE_SAME_DB_SCHEMA", spoil=software(db_schema="5.901")
    ),
    "another trust": Obstacle(
        "POOL_JOINING_HOST_TLS_VERIFICATION_MISMATCH",
        spoil=of_host(tls_verification_enabled=True),
    ),
}


def write(scratch: Path) -> list[Path]:
    """Write the world of the full pool, and one of each obstacle, numbered from 1."""
    full = scratch / "full.toml"
    full.write_text(FULL)
    rows = enumerate(OBSTACLES.values(), 1)
    return [full, *(_dump(scratch, number, obstacle) for number, obstacle in rows)]


def _dump(scratch: Path, number: int, obstacle: Obstacle) -> Path:
    source = scratch / f"south-{number}.toml"
    more = obstacle.more.format(home=f"s{number}")
    source.write_text(dom0.south(number, obstacle.host) + more)
    world = toml_world.read(source, number)
    obstacle.spoil(world.records)
    path = scratch / f"south-{number}.json"
    path.write_text(json.dumps(world.records))
    return path

"""Hosts, networks and storage repositories of a TOML world, as the records XAPI would keep of
them.
"""

from dataclasses import dataclass, field

from xapisim.errors import WorldError
from xapisim.ids import Ids
from xapisim.values import Value
from xapisim.world import defaults
from xapisim.world.keys import Keys
from xapisim.world.model import World

MIB = 2**20
GIB = 2**30
_VERSIONS = tuple(defaults.PRODUCTS)
_NEWEST = "8.3"


@dataclass(slots=True)
class Places:
    """The world under construction, and its places by name."""

    world: World
    ids: Ids
    hosts: dict[str, str] = field(default_factory=dict)
    networks: dict[str, str] = field(default_factory=dict)
    srs: dict[str, str] = field(default_factory=dict)
    default_sr: str = ""

    def remember(self, known: dict[str, str], keys: Keys, kind: str, name: str) -> str:
        """A ref for something new; two of a kind can't have one name."""
        if name in known:
            raise WorldError(f"{keys.place}.name", f"a second {kind} called {name!r}")
        known[name] = self.ids.ref_for(kind, name)
        return known[name]

    def make(self, class_name: str, /, *names: str, **fields: Value) -> str:
        """An object whose ref and uuid follow from its names."""
        ref = self.ids.ref_for(class_name, *names)
        uuid = fields.pop("uuid", self.ids.uuid_for(class_name, *names))
        return self.world.add(class_name, ref, uuid=uuid, **fields)


def add_hosts(places: Places, tables: list[Keys]) -> None:
    if not tables:
        raise WorldError(f"{places.world.origin}: host", "at least one [[host]] expected")
    for keys in tables:
        _add_host(places, keys)
        keys.done()


def _add_host(places: Places, keys: Keys) -> None:
    name = keys.text("name")
    ref = places.remember(places.hosts, keys, "host", name)
    memory = keys.size("memory", "32 GiB")
    places.world.nic_mbps[ref] = keys.number("nic_mbps", 10_000)
    places.world.add(
        "host",
        ref,
        **defaults.HOST_FIELDS,
        uuid=keys.uuid(places.ids.uuid_for("host", name)),
        name_label=name,
        name_description=keys.text("description", ""),
        hostname=name,
        enabled=keys.flag("enabled", default=True),
        software_version=_software_version(keys),
        API_version_minor=defaults.API_MINORS[keys.one_of("version", _VERSIONS, _NEWEST)],
        cpu_info=_add_cpus(places, keys, name, ref),
        metrics=places.make("host_metrics", name, memory_total=memory, live=True),
        control_domain=_add_dom0(places, name, ref),
        other_config=keys.text_map("other_config"),
    )


def _add_cpus(places: Places, keys: Keys, host: str, ref: str) -> dict[str, str]:
    """Adds the host's processors; the result is its cpu_info."""
    count = keys.whole("cpus", 8)
    features = keys.text("cpu_features", defaults.CPU_FEATURES)
    info = {**defaults.CPU_INFO, "cpu_count": str(count)}
    info |= {f"features_{kind}": features for kind in ("hvm", "pv", "hvm_host", "pv_host")}
    model = {"vendor": info["vendor"], "modelname": info["modelname"]}
    for number in range(count):
        places.make("host_cpu", host, str(number), host=ref, number=number, **model)
    return info


def _software_version(keys: Keys) -> dict[str, str]:
    version = keys.one_of("version", _VERSIONS, _NEWEST)
    product = {**defaults.BRAND, **defaults.PRODUCTS[version], "hostname": "localhost"}
    for key in ("platform_version", "xapi_build", "xen"):
        product[key] = keys.text(key, product.get(key, ""))
    return {key: text for key, text in product.items() if text}


def _add_dom0(places: Places, host: str, ref: str) -> str:
    name = f"Control domain on host: {host}"
    memory = dict.fromkeys(
        ("memory_static_max", "memory_dynamic_max", "memory_dynamic_min", "memory_target"),
        defaults.DOM0_MIB * MIB,
    )
    return places.make(
        "VM",
        name,
        name_label=name,
        is_control_domain=True,
        power_state="Running",
        resident_on=ref,
        affinity=ref,
        domid=0,
        VCPUs_max=2,
        VCPUs_at_startup=2,
        domain_type="pv",
        metrics=places.make("VM_metrics", name),
        **memory,
    )


def add_networks(places: Places, tables: list[Keys]) -> None:
    """A network reaches all hosts unless `hosts` says which; the first one is the management
    network.
    """
    for number, keys in enumerate(tables):
        name = keys.text("name")
        ref = places.remember(places.networks, keys, "network", name)
        places.world.add(
            "network",
            ref,
            uuid=keys.uuid(places.ids.uuid_for("network", name)),
            name_label=name,
            bridge=keys.text("bridge", f"xenbr{number}"),
            MTU=1500,
            managed=True,
        )
        for host in keys.texts("hosts", list(places.hosts)):
            host_ref = keys.look_up("hosts", host, places.hosts)
            _add_pif(places, number, (name, ref), (host, host_ref))
        keys.done()


def _add_pif(places: Places, number: int, network: tuple[str, str], host: tuple[str, str]) -> None:
    names = (network[0], host[0])
    order = list(places.hosts).index(host[0]) + 1
    metrics = places.make("PIF_metrics", *names, carrier=True, speed=10_000, duplex=True)
    places.make(
        "PIF",
        *names,
        device=f"eth{number}",
        network=network[1],
        host=host[1],
        MAC=f"02:00:00:00:{number:02x}:{order:02x}",
        MTU=1500,
        VLAN=-1,
        metrics=metrics,
        physical=True,
        currently_attached=True,
        ip_configuration_mode="Static",
        IP=f"10.71.{number}.{order}",
        netmask="255.255.255.0",
        management=number == 0,
    )


def add_srs(places: Places, tables: list[Keys]) -> None:
    for keys in tables:
        _add_sr(places, keys)
        keys.done()
    for sr_type in sorted(defaults.SR_FEATURES):
        features = dict.fromkeys(defaults.SR_FEATURES[sr_type].split(), 1)
        places.make(
            "SM",
            sr_type,
            name_label=sr_type,
            type=sr_type,
            version="3.0",
            capabilities=list(features),
            features=features,
        )


def _add_sr(places: Places, keys: Keys) -> None:
    """Shared by all hosts, or local to the one that `host` names."""
    name = keys.text("name")
    ref = places.remember(places.srs, keys, "sr", name)
    local_to = keys.text("host", "")
    sr_type = keys.one_of("type", tuple(defaults.SR_FEATURES), "ext" if local_to else "nfs")
    places.world.add(
        "SR",
        ref,
        uuid=keys.uuid(places.ids.uuid_for("sr", name)),
        name_label=name,
        allowed_operations=defaults.sr_operations(sr_type),
        type=sr_type,
        content_type="iso" if sr_type == "iso" else "user",
        shared=not local_to,
        physical_size=keys.size("size", "1 TiB"),
        physical_utilisation=keys.size("used", "0 B"),
    )
    if keys.flag("default", default=not places.default_sr and not local_to):
        places.default_sr = ref
    _add_pbds(places, keys, (name, ref), local_to)


def _add_pbds(places: Places, keys: Keys, sr: tuple[str, str], local_to: str) -> None:
    """One for every host that can see the SR, plugged where `hosts` says so."""
    seen_by = [local_to] if local_to else list(places.hosts)
    plugged = keys.texts("hosts", seen_by)
    for host in plugged:
        keys.look_up("hosts", host, places.hosts)
    for host in seen_by:
        places.make(
            "PBD",
            sr[0],
            host,
            host=keys.look_up("host", host, places.hosts),
            SR=sr[1],
            device_config={"location": f"{sr[0]}:/{host}"},
            currently_attached=host in plugged,
        )

"""The VMs of a TOML world, with their disks, interfaces, metrics and guest tools."""

from dataclasses import dataclass

from xapisim.errors import WorldError
from xapisim.values import EPOCH, NULL, Value
from xapisim.world import defaults
from xapisim.world.keys import Keys
from xapisim.world.places import Places

STATES = ("Running", "Halted", "Paused", "Suspended")
_STARTED = ("Running", "Paused")


@dataclass(frozen=True, slots=True)
class _Guest:
    """One VM of a table, which may describe many."""

    keys: Keys
    name: str
    ref: str
    number: int
    state: str
    host: str
    """The ref of the host it runs on, or NULL."""

    @property
    def started(self) -> bool:
        return self.state in _STARTED


def add_vms(places: Places, tables: list[Keys]) -> None:
    """`count = 60` with `{n}` in the name makes sixty VMs of one table, spread over its hosts."""
    seen: dict[str, str] = {}
    for keys in tables:
        pattern = keys.text("name")
        count = keys.whole("count", 1)
        if count > 1 and "{n" not in pattern:
            raise WorldError(
                f"{keys.place}.name", 'a pattern such as "vm-{n:03d}" expected with count'
            )
        for number in range(1, count + 1):
            name = _name(keys, pattern, number)
            _add_vm(places, keys, name, places.remember(seen, keys, "vm", name), number)
        keys.done()


def _name(keys: Keys, pattern: str, number: int) -> str:
    try:
        return pattern.format(n=number)
    except (KeyError, ValueError, IndexError) as error:
        place = f"{keys.place}.name"
        raise WorldError(
            place, f'a pattern such as "vm-{{n:03d}}" expected, got {pattern!r}'
        ) from error


def _add_vm(places: Places, keys: Keys, name: str, ref: str, number: int) -> None:
    state = keys.one_of("state", STATES, "Running")
    hosts = keys.texts("host", [] if state not in _STARTED else list(places.hosts)[:1])
    host = NULL
    if state in _STARTED and hosts:
        host = keys.look_up("host", hosts[(number - 1) % len(hosts)], places.hosts)
    guest = _Guest(keys, name, ref, number, state, host)
    _add_record(places, guest)
    _add_disks(places, guest)
    _add_drive(places, guest)
    _add_interfaces(places, guest)
    load = (keys.number("dirty_rate_mib_s", 5.0), keys.number("touched_fraction", 0.6))
    if load[1] > 1:
        raise keys.wrong("touched_fraction", "a number up to 1")
    places.world.loads[ref] = load


def _add_record(places: Places, guest: _Guest) -> None:
    keys = guest.keys
    derived = places.ids.uuid_for("vm", guest.name)
    seed = {"mac_seed": places.ids.uuid_for("mac_seed", guest.name)}
    places.world.add(
        "VM",
        guest.ref,
        **defaults.VM_FIELDS,
        **_resources(keys),
        uuid=keys.uuid(derived) if keys.whole("count", 1) == 1 else derived,
        name_label=guest.name,
        name_description=keys.text("description", ""),
        power_state=guest.state,
        resident_on=guest.host,
        domid=-1,
        is_a_template=keys.flag("template", default=False),
        domain_type=keys.one_of("domain_type", ("hvm", "pv", "pvh"), "hvm"),
        last_boot_CPU_flags=_boot_flags(guest),
        other_config=seed | keys.text_map("other_config"),
        blocked_operations=keys.text_map("blocked_operations"),
        metrics=places.make("VM_metrics", guest.name, hvm=True),
        guest_metrics=_add_tools(places, guest),
    )
    if guest.started:
        places.make("console", guest.name, VM=guest.ref, protocol="rfb")


def _resources(keys: Keys) -> dict[str, Value]:
    memory = keys.size("memory")
    vcpus = keys.whole("vcpus", 1)
    return {
        "memory_static_max": memory,
        "memory_dynamic_max": memory,
        "memory_dynamic_min": keys.size("memory_min", f"{memory} B"),
        "memory_static_min": min(memory, 256 * 2**20),
        "memory_target": memory,
        "VCPUs_max": vcpus,
        "VCPUs_at_startup": vcpus,
    }


def _boot_flags(guest: _Guest) -> dict[str, str]:
    """The processor that a running guest saw when it booted."""
    features = guest.keys.text("cpu_features", defaults.CPU_FEATURES)
    if not guest.started:
        return {}
    return {"vendor": defaults.CPU_INFO["vendor"], "features": features}


def _add_tools(places: Places, guest: _Guest) -> str:
    drivers = guest.keys.flag("drivers", default=True)
    if not drivers:
        places.world.without_tools.add(guest.ref)
    if not guest.started:
        return NULL
    return places.make(
        "VM_guest_metrics",
        guest.name,
        os_version={"name": "Debian GNU/Linux 12", "distro": "debian"},
        PV_drivers_version={"major": "8", "minor": "3", "micro": "0"} if drivers else {},
        PV_drivers_detected=drivers,
        PV_drivers_up_to_date=drivers,
        other={"feature-suspend": "1"} if drivers else {},
        networks=_told_addresses(places, guest) if drivers else {},
        live=True,
        last_updated=EPOCH,
    )


def _add_disks(places: Places, guest: _Guest) -> None:
    for number, keys in enumerate(guest.keys.tables("disks")):
        sr = keys.look_up("sr", keys.text("sr"), places.srs)
        name = f"{guest.name}-disk{number}"
        uuid = places.ids.uuid_for("VDI", name)
        vdi = places.make(
            "VDI",
            name,
            uuid=uuid,
            name_label=name,
            SR=sr,
            virtual_size=keys.size("size", "10 GiB"),
            physical_utilisation=keys.size("size", "10 GiB"),
            location=uuid,
            managed=True,
            allowed_operations=["clone", "snapshot"],
        )
        described = places.world.records["SR"][sr]
        size = places.world.records["VDI"][vdi]["virtual_size"]
        described["virtual_allocation"] = described.get("virtual_allocation", 0) + size
        _add_vbd(places, guest, number, vdi, "Disk")
        keys.done()


def _add_drive(places: Places, guest: _Guest) -> None:
    """`cd` names the SR of the ISO in the drive; an empty text is an empty drive."""
    if "cd" not in guest.keys:
        return
    sr_name = guest.keys.text("cd", "")
    vdi = NULL
    if sr_name:
        sr = guest.keys.look_up("cd", sr_name, places.srs)
        name = f"{sr_name}.iso"
        vdi = places.make("VDI", name, name_label=name, SR=sr, read_only=True, managed=True)
    _add_vbd(places, guest, 3, vdi, "CD")


def _add_vbd(places: Places, guest: _Guest, number: int, vdi: str, kind: str) -> None:
    places.make(
        "VBD",
        guest.name,
        str(number),
        allowed_operations=defaults.VBD_OPERATIONS,
        VM=guest.ref,
        VDI=vdi,
        device=f"xvd{'abcdefghijklmnop'[number]}",
        userdevice=str(number),
        bootable=number == 0,
        mode="RW" if kind == "Disk" else "RO",
        type=kind,
        unpluggable=True,
        empty=vdi == NULL,
        currently_attached=guest.started,
    )


def _interfaces(places: Places, guest: _Guest) -> list[Keys]:
    """`networks` lists names, or tables with `network`, a fixed `mac` and an `address`."""
    default = list(places.networks)[:1]
    items = guest.keys.items("networks") if "networks" in guest.keys else default
    return [
        Keys(f"{guest.keys.place}.networks[{number}]", _as_table(item))
        for number, item in enumerate(items)
    ]


def _as_table(item: Value) -> Value:
    return {"network": item} if isinstance(item, str) else item


def _told_addresses(places: Places, guest: _Guest) -> dict[str, str]:
    """What the guest's tools tell: "0/ip" is the address of its first interface."""
    told = {}
    for number, keys in enumerate(_interfaces(places, guest)):
        address = keys.text("address", "")
        if address:
            told[f"{number}/ip"] = address
    return told


def _add_interfaces(places: Places, guest: _Guest) -> None:
    for number, keys in enumerate(_interfaces(places, guest)):
        keys.text("address", "")  # the guest's tools tell of it
        network = keys.look_up("network", keys.text("network"), places.networks)
        derived = places.ids.uuid_for("mac", guest.name, str(number)).replace("-", "")
        mac = "02:" + ":".join(derived[at : at + 2] for at in range(0, 10, 2))
        places.make(
            "VIF",
            guest.name,
            str(number),
            allowed_operations=["attach", "unplug"],
            device=str(number),
            network=network,
            VM=guest.ref,
            MAC=keys.mac(mac),
            MTU=1500,
            currently_attached=guest.started,
            MAC_autogenerated="mac" not in keys,
        )
        keys.done()

"""The worlds of obstacles.py as texts: hosts, networks, storage and guests."""

NEAR = """
[pool]
name = "near"
[[host]]
name = "home"
memory = "256 GiB"
[[host]]
name = "good"
memory = "64 GiB"
[[host]]
name = "off"
enabled = false
[[host]]
name = "dead"
[[host]]
name = "older"
xen = "4.13.4"
[[host]]
name = "lesser"
cpu_features = "00000001-00000000"
[[host]]
name = "foreign"
[[host]]
name = "exact"
[[host]]
name = "short"
[[host]]
name = "narrow"
cpus = 1
[[host]]
name = "plain"
[[host]]
name = "apart"
[[network]]
name = "lan"
[[network]]
name = "prod"
bridge = "xenbr5"
[[network]]
name = "odd"
bridge = "xenbr66"
[[network]]
name = "split"
bridge = "xenbr7"
[[network]]
name = "uplink"
bridge = "xenbr8"
[[network]]
name = "fast"
[[network]]
name = "inside"
hosts = []
[[network]]
name = "bonded"
[[sr]]
name = "shared"
[[sr]]
name = "patchy"
hosts = ["home", "good"]
[[sr]]
name = "discs"
type = "iso"
host = "home"
[[sr]]
name = "local"
host = "home"
size = "8 TiB"
[[sr]]
name = "usb"
type = "udev"
host = "home"
"""
# name: more lines of its table; all run on `home` with one disk on `shared`, unless they say else.
GUESTS = {
    "fit": "memory = '4 GiB'\nvcpus = 2",
    "parked": "state = 'Halted'",
    "paused": "state = 'Paused'",
    "bare": "drivers = false",
    "stubborn": "",
    "blocked": "blocked_operations = { pool_migrate = 'audit', migrate_send = 'audit' }",
    "infra": "other_config = { 'xenferry:protected' = 'true' }",
    "pci": "",
    "vgpu": "",
    "vusb": "",
    "sriov": "networks = ['fast']",
    "nested": "",
    "immobile": "",
    "hw": "",
    "insider": "networks = ['inside']",
    "tied": "networks = ['bonded']",
    "patched": "disks = [{ sr = 'patchy', size = '1 GiB' }]",
    "reader": "cd = 'discs'",
    "loc": "disks = [{ sr = 'local', size = '10 GiB' }]",
    "cbt": "disks = [{ sr = 'local', size = '1 GiB' }]",
    "crypt": "disks = [{ sr = 'local', size = '1 GiB' }]",
    "reset": "disks = [{ sr = 'local', size = '1 GiB' }]",
    "chained": "disks = [{ sr = 'local', size = '1 GiB' }]",
    "huge": "disks = [{ sr = 'local', size = '2 TiB' }]",
    "snapped": "disks = [{ sr = 'local', size = '1 GiB' }]",
    "stick": "disks = [{ sr = 'usb', size = '1 GiB' }]",
    "wide": "disks = [{ sr = 'local', size = '20 GiB' }]",
    "twin": "disks = [{ sr = 'local', size = '1 GiB' }]",
    "echo": "networks = [{ network = 'lan', mac = 'aa:bb:cc:00:11:22' }]",
    "bridged": "networks = ['prod']",
    "stray": "networks = ['odd']",
    "torn": "networks = ['split']",
    "raised": "networks = ['uplink']",
    "diskless": "disks = []",
}
FAR = """
[pool]
name = "far"
[[host]]
name = "f1"
memory = "64 GiB"
[[host]]
name = "f2"
memory = "64 GiB"
[[network]]
name = "lan"
[[network]]
name = "production"
bridge = "xenbr5"
[[network]]
name = "split-1"
bridge = "xenbr7"
[[network]]
name = "split-2"
[[network]]
name = "east"
bridge = "xenbr8"
[[network]]
name = "west"
[[network]]
name = "mute"
[[network]]
name = "loose"
hosts = ["f2"]
[[sr]]
name = "depot"
[[sr]]
name = "gold-1"
size = "100 GiB"
[[sr]]
name = "gold-2"
size = "200 GiB"
[[sr]]
name = "discs"
type = "iso"
[[sr]]
name = "away"
hosts = []
[[sr]]
name = "raw"
type = "udev"
[[sr]]
name = "thick"
type = "lvmoiscsi"
size = "15 GiB"
[[sr]]
name = "thin"
size = "15 GiB"
[[sr]]
name = "exact"
size = "20 GiB"
[[vm]]
name = "elder"
memory = "1 GiB"
state = "Halted"
[[vm]]
name = "parrot"
memory = "1 GiB"
state = "Halted"
networks = [{ network = "lan", mac = "aa:bb:cc:00:11:22" }]
"""
STRICT = """
[pool]
name = "strict"
restrictions = { restrict_xen_motion = "true", restrict_storage_xen_motion = "true" }
[[host]]
name = "s1"
memory = "64 GiB"
[[host]]
name = "s2"
memory = "64 GiB"
platform_version = "1.5.9"
[[network]]
name = "lan"
[[sr]]
name = "shared"
[[sr]]
name = "local"
host = "s1"
[[vm]]
name = "calm"
memory = "1 GiB"
[[vm]]
name = "heavy"
memory = "1 GiB"
disks = [{ sr = "local", size = "1 GiB" }]
"""

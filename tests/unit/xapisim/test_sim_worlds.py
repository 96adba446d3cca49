"""Worlds are read strictly: what is wrong is refused with its place, gaps are filled."""

from pathlib import Path

import pytest

from xapisim.errors import WorldError
from xapisim.world import files
from xapisim.world.model import World

HOST = '[pool]\nname = "p"\n[[host]]\nname = "h"\n'
VM = "[[vm]]\nname = 'v'\nmemory = '1 GiB'\n"


def read(tmp_path: Path, text: str, ending: str = "toml", seed: int = 0) -> World:
    path = tmp_path / f"world.{ending}"
    path.write_text(text)
    return files.read(path, seed)


def complaint(tmp_path: Path, text: str, ending: str = "toml") -> str:
    with pytest.raises(WorldError) as refused:
        read(tmp_path, text, ending)
    return str(refused.value)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        ("x =", "Invalid value (at end of document)"),
        ("a = 1\nb b", "(at line 2, column 3)"),
        ("x = 1", "pool: is missing"),
        ("pool = 1", "pool: a table expected"),
        ('[pool]\nname = "p"', "host: at least one [[host]] expected"),
        (HOST + "[[host]]\nname = 'h'", "host[1].name: a second host called 'h'"),
        (HOST + "memory = 1", 'host[0].memory: a size such as "4 GiB" expected, got 1'),
        (HOST + "cpus = true", "host[0].cpus: a whole number from 1 expected, got True"),
        (HOST + "enabled = 1", "host[0].enabled: true or false expected, got 1"),
        (HOST + "nic_mbps = -1", "host[0].nic_mbps: a number from 0 expected, got -1"),
        (
            HOST + "version = '5'",
            "host[0].version: one of 8.3, 8.2, 7.6, 7.1, 7.0, 6.5, 6.2, 6.1, 6.0 expected, got '5'",
        ),
        (HOST + 'uuid = "x"', "host[0].uuid: a uuid in lower case expected, got 'x'"),
        (HOST + "other_config = [1]", "host[0].other_config: a table of texts expected, got [1]"),
        (HOST + "[[vm]]\nname = 'v'", "vm[0].memory: is missing"),
        (HOST + VM + "host = 'x'", "vm[0].host: one of h expected, got 'x'"),
        (HOST + VM + "disks = [{ sr = 'x' }]", "vm[0].disks[0].sr: one of none expected, got 'x'"),
        (HOST + VM + "networks = ['x']", "vm[0].networks[0].network: one of none expected"),
        (HOST + VM + "count = 2", "vm[0].name: a pattern such as"),
        (HOST + VM + "touched_fraction = 2", "vm[0].touched_fraction: a number up to 1 expected"),
        (HOST + "[[sr]]\nname = 's'\nhosts = 5", "sr[0].hosts: a list of texts expected, got 5"),
        (HOST + "[[wm]]", "world.toml: wm: unknown key; known are"),
    ],
)
def test_a_broken_world_names_the_place_and_what_was_expected(
    tmp_path: Path, world: str, expected: str
) -> None:
    text = complaint(tmp_path, world)

    assert text.startswith("world.toml: ")
    assert expected in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        ("<database", "world.xml: XML expected: "),
        ("<other/>", "world.xml: a <database> expected, got <other>"),
        ("<database/>", "world.xml: class pool: at least one row expected"),
        (
            '<database><table name="host"><row ref="OpaqueRef:1" enabled="maybe"/>'
            "</table></database>",
            "world.xml: table host row OpaqueRef:1 field enabled: bool expected, got 'maybe'",
        ),
        (
            '<database><table name="VM"><row ref="OpaqueRef:1" tags="(a"/></table></database>',
            "world.xml: table VM row OpaqueRef:1 field tags: set expected, got '(a'",
        ),
        (
            '<database><table name="VM"><row uuid="1"/></table></database>',
            "world.xml: table VM: a row without ref",
        ),
    ],
)
def test_a_broken_database_names_table_row_and_field(
    tmp_path: Path, world: str, expected: str
) -> None:
    assert complaint(tmp_path, world, "xml").startswith(expected)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    assert "a .toml, .xml or .json file expected" in complaint(tmp_path, "", "yaml")


def test_the_first_host_is_the_coordinator(tmp_path: Path) -> None:
    world = read(tmp_path, HOST + "[[host]]\nname = 'i'\n")

    assert list(world.hosts().values()) == ["h", "i"]


def test_what_has_no_uuid_gets_one_from_names_and_seed(tmp_path: Path) -> None:
    first = read(tmp_path, HOST + VM, seed=1)

    assert read(tmp_path, HOST + VM, seed=1).records == first.records
    assert read(tmp_path, HOST + VM, seed=2).records["VM"] != first.records["VM"]


def test_a_counted_vm_is_spread_over_its_hosts(tmp_path: Path) -> None:
    many = "[[vm]]\nname = 'v-{n:02d}'\ncount = 4\nmemory = '1 GiB'\nhost = ['h', 'i']\n"

    world = read(tmp_path, HOST + "[[host]]\nname = 'i'\n" + many)

    guests = [vm for vm in world.records["VM"].values() if not vm.get("is_control_domain")]
    assert [vm["name_label"] for vm in guests] == ["v-01", "v-02", "v-03", "v-04"]
    names = world.hosts()
    assert [names[vm["resident_on"]] for vm in guests] == ["h", "i", "h", "i"]
    assert len({vm["uuid"] for vm in guests}) == 4


def test_old_field_names_and_escapes_are_read_from_a_database(tmp_path: Path) -> None:
    row = (
        '<row ref="OpaqueRef:p" name_label="old%_pool" master="OpaqueRef:h" gone="1" '
        "other_config=\"(('a' 'it\\'s') ('b' 'x%ny'))\"/>"
    )
    host = '<row ref="OpaqueRef:h" name__label="h1"/>'
    text = (
        f'<database><table name="pool">{row}</table><table name="host">{host}</table>'
        '<table name="Unheard"><row ref="OpaqueRef:u"/></table></database>'
    )

    world = read(tmp_path, text, "xml")

    (pool,) = world.records["pool"].values()
    assert pool["name_label"] == "old pool"
    assert pool["other_config"] == {"a": "it's", "b": "x\ny"}
    assert "gone" not in pool
    assert world.hosts() == {"OpaqueRef:h": "h1"}
    assert any("table Unheard is unknown" in note for note in world.notes)


def test_the_tools_of_a_guest_tell_its_addresses(tmp_path: Path) -> None:
    networks = "networks = ['n', { network = 'n', address = '10.0.0.5' }]\n"
    text = HOST + "[[network]]\nname = 'n'\n" + VM + "host = 'h'\n" + networks

    told = read(tmp_path, text).records["VM_guest_metrics"].values()
    without = read(tmp_path, text + "drivers = false\n").records["VM_guest_metrics"].values()

    assert [row["networks"] for row in told] == [{"1/ip": "10.0.0.5"}]
    assert [row["networks"] for row in without] == [{}]

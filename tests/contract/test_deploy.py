"""What is shipped for operators is accepted by the tools that will read it."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
DOCKERFILES = sorted((ROOT / "deploy").glob("*/Dockerfile"))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not on this machine")
@pytest.mark.parametrize("unit", UNITS, ids=[unit.name for unit in UNITS])
def test_systemd_understands_a_unit(unit: Path, tmp_path: Path) -> None:
    """The program is not installed where the unit says, so one that is there stands in for it."""
    here = tmp_path / unit.name
    here.write_text(unit.read_text().replace(f"/opt/xenferry/bin/{unit.stem}", "/bin/true"))

    said = subprocess.run(
        ["systemd-analyze", "verify", str(here)], capture_output=True, text=True, check=False
    )

    assert (said.returncode, said.stderr) == (0, "")


def test_each_program_that_is_deployed_has_its_image_and_each_service_its_unit() -> None:
    assert [file.parent.name for file in DOCKERFILES] == ["controller", "hostagent", "xapisim"]
    assert [unit.stem for unit in UNITS] == ["xenferry-controller", "xenferry-hostagent"]


@pytest.mark.parametrize("file", DOCKERFILES, ids=[file.parent.name for file in DOCKERFILES])
def test_a_dockerfile_has_no_fault_that_hadolint_knows(file: Path) -> None:
    said = subprocess.run(["hadolint", file], capture_output=True, text=True, check=False)

    assert (said.returncode, said.stdout) == (0, "")

"""The compose file and the kustomizations start our images with settings that the programs read."""

import dataclasses
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from chassis import settings
from controller.settings import Settings as ControllerSettings
from hostagent.settings import Settings as AgentSettings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = (DEPLOY / "compose/compose.yaml").read_text()
# Each service of the compose file with its text.
SERVICES = dict(
    re.findall(r"^  ([\w-]+):\n((?:    .*\n)+)", COMPOSE.split("\nservices:\n")[1], re.M)
)
KINDS: dict[str, type[Any]] = {"controller": ControllerSettings, "hostagent": AgentSettings}
OF_FERRYCTL = {"XENFERRY_CONTROLLER"}


def kind_of(service: str) -> type[Any]:
    """Return the settings of a service of the compose file."""
    return ControllerSettings if service == "controller" else AgentSettings


def environment(service: str) -> dict[str, str]:
    """Return what a service of the compose file is given."""
    return dict(re.findall(r'^ +(XENFERRY_\w+): "(.+)"', SERVICES[service], re.M))


def manifest(program: str) -> str:
    """Return a program's resources for Kubernetes."""
    return (DEPLOY / "kustomize" / program / f"{program}.yaml").read_text()


def dockerfile(program: str) -> str:
    """Return the text of a program's Dockerfile."""
    return (DEPLOY / program / "Dockerfile").read_text()


def test_the_trial_has_an_agent_for_every_host_of_its_world() -> None:
    world = tomllib.loads((DEPLOY / "worlds/demo.toml").read_text())
    hosts = [host["name"] for host in world["host"]]

    assert list(SERVICES) == ["xapisim", "controller", *(f"agent-{host}" for host in hosts)]
    for number, host in enumerate(hosts):
        given = environment(f"agent-{host}")
        assert given["XENFERRY_XAPI_HOST"] == host
        assert given["XENFERRY_XAPI_URL"] == f"http://127.0.0.1:{18080 + number}"
        assert (
            given["XENFERRY_CONTROLLER_ADDRESS"] == environment("controller")["XENFERRY_SERVE_GRPC"]
        )


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "xapisim"])
def test_what_the_trial_sets_is_a_setting(service: str) -> None:
    kind, given = kind_of(service), environment(service)
    known = {
        f"XENFERRY_{table.name}_{key.name}".upper()
        for table in dataclasses.fields(kind)
        for key in dataclasses.fields(getattr(settings.load(kind, None, given), table.name))
    }

    assert given.keys() - OF_FERRYCTL <= known


def test_no_two_of_the_trial_listen_at_one_address() -> None:
    taken = re.findall(r'XENFERRY_SERVE_\w+: "(.+)"', COMPOSE)

    assert len(set(taken)) == len(taken) == 2 * (len(SERVICES) - 1)


def test_images_are_those_that_the_dockerfiles_name() -> None:
    named = {
        re.findall(r"docker build -f deploy/(\w+)/Dockerfile -t ([\w-]+) \.", file.read_text())[0]
        for file in DEPLOY.glob("*/Dockerfile")
    }

    told = re.findall(r"image: ([\w-]+)\n +build: .*dockerfile: deploy/(\w+)/Dockerfile", COMPOSE)
    assert {(program, image) for image, program in told} == named
    for program in KINDS:
        [image] = re.findall(r"image: (.+)", manifest(program))
        assert (program, image) in named


@pytest.mark.parametrize("program", KINDS)
def test_ports_and_the_user_are_those_of_the_image(program: str) -> None:
    text, image = manifest(program), dockerfile(program)
    toml = tomllib.loads((DEPLOY / "kustomize" / program / f"{program}.toml").read_text())
    ports = re.findall(r"^EXPOSE (.+)", image, re.M)[0].split()

    assert re.findall(r"containerPort: (\d+)", text) == ports
    assert re.findall(r" port: (\d+)", text) == ports
    assert [toml["serve"][door].rpartition(":")[2] for door in ("grpc", "http")] == ports
    assert set(re.findall(r"runAsUser: (\d+)", text)) == set(re.findall(r"^USER (.+)", image, re.M))


@pytest.mark.parametrize("program", KINDS)
def test_files_are_where_the_settings_look_for_them(program: str) -> None:
    file = DEPLOY / "kustomize" / program / f"{program}.toml"
    mounts = re.findall(r"mountPath: ([^, ]+)", manifest(program))

    settings.load(KINDS[program], file, {})  # every key is known

    paths = re.findall(r'_file = "(.+)"', file.read_text())
    assert paths
    assert [path for path in paths if str(Path(path).parent) not in mounts] == []
    [config] = re.findall(r'^CMD \["--config", "(.+)"\]', dockerfile(program), re.M)
    assert config in mounts


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not on this machine")
@pytest.mark.parametrize("program", KINDS)
def test_kustomize_builds_what_is_shipped(program: str) -> None:
    words = ["kubectl", "kustomize", str(DEPLOY / "kustomize" / program)]
    said = subprocess.run(words, capture_output=True, text=True, check=False)

    assert (said.returncode, said.stderr) == (0, "")
    assert {"ConfigMap", "Service", "Deployment"} <= set(
        re.findall(r"^kind: (\w+)", said.stdout, re.M)
    )

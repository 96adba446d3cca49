"""The build hook: generates `gen/xenferry` from `protos/`; generated code is never committed."""

import os
import shutil
import sys
from importlib import resources
from pathlib import Path
from typing import Any

from grpc_tools import protoc
from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def generate(root: Path) -> None:
    """Write Python modules, gRPC stubs and type stubs for every .proto below `root/protos`."""
    out = root / "gen"
    protos = root / "protos"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    well_known = str(resources.files("grpc_tools") / "_proto")
    # The protoc plug-ins of mypy-protobuf are scripts beside the interpreter that runs the build.
    plugins = [
        f"--plugin=protoc-gen-{name}={script}"
        for name in ("mypy", "mypy_grpc")
        if (script := shutil.which(f"protoc-gen-{name}", path=_script_path()))
    ]
    files = sorted(str(file) for file in protos.rglob("*.proto"))
    arguments = [
        f"-I{protos}",
        f"-I{well_known}",
        f"--python_out={out}",
        f"--grpc_python_out={out}",
    ]
    if len(plugins) == 2:
        arguments += [f"--mypy_out={out}", f"--mypy_grpc_out={out}", *plugins]
    if protoc.main(["protoc", *arguments, *files]) != 0:
        raise SystemExit("protoc refused the protos; its messages are above")
    for folder in {file.parent for file in out.rglob("*_pb2.py")} | {out / "xenferry"}:
        for package in [folder, *folder.parents]:
            if package == out:
                break
            (package / "__init__.py").touch()
    (out / "xenferry" / "py.typed").touch()


def _script_path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


class ProtoBuildHook(BuildHookInterface[BuilderConfig]):
    """Runs before hatchling collects files, for wheels, sdists and editable installs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
        generate(Path(self.root))


if __name__ == "__main__":
    generate(Path(__file__).parent)

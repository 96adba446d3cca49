"""The command line: `xapisim serve WORLD…`, `xapisim dump URL`, `xapisim world`."""

import asyncio
import gc
import json
import logging
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from xapisim import dumping, lockstep, options
from xapisim.classes.pool import Account
from xapisim.clock import Pace
from xapisim.errors import WorldError
from xapisim.fleet import Fleet
from xapisim.server.assembly import Settings
from xapisim.server.process import Ports, Simulator, serve
from xapisim.world import files

DEFAULT_ACCOUNT = Account("root", "xenferry")
_CLOCKS = (
    "stepped: time passes by POST /sim/clock alone; lockstep: the timeouts of event.from do too"
)
BROKEN_WORLD = 2
"""The exit status when a world can't be served."""

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def _about() -> None:
    """A XAPI simulator: pools of hosts that answer as XenServer and XCP-ng do."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    worlds: Annotated[
        list[Path],
        typer.Argument(
            help="TOML worlds, XAPI database XMLs or JSON dumps of records, a pool each"
        ),
    ]
    bind: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1"
    port_base: Annotated[int, typer.Option(help="first port; 0 takes free ones")] = 0
    tls_dir: Annotated[
        Path | None, typer.Option(help="serve TLS too, with the CA's certificate written here")
    ] = None
    unix: Annotated[
        Path | None, typer.Option(help="give each host a unix socket in this directory")
    ] = None
    user: Annotated[str, typer.Option(help="who may log in")] = DEFAULT_ACCOUNT.user
    password: Annotated[str, typer.Option(help="with this password")] = DEFAULT_ACCOUNT.password
    clock: Annotated[Pace, typer.Option(help=_CLOCKS)] = Pace.AUTO
    time_factor: Annotated[
        float,
        typer.Option(min=0.001, help="simulated seconds per second, or inf: no waiting"),
    ] = 1.0
    seed: Annotated[int, typer.Option(help="decides derived uuids and refs")] = 0


@app.command("serve")
@options.taking(ServeOptions)
def serve_worlds(given: ServeOptions) -> None:
    """Serves worlds until SIGTERM; prints one JSON line with the addresses when it is ready."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    account = Account(given.user, given.password)
    loop = lockstep.Loop() if given.clock is Pace.LOCKSTEP else asyncio.new_event_loop()
    settings = Settings(account, given.time_factor, given.seed, given.clock, monotonic=loop.time)
    ports = Ports(given.bind, given.port_base, given.tls_dir, given.unix)
    gc.disable()  # a world only grows while it is read; serve() turns it on again
    try:
        read = [files.read(path, given.seed) for path in given.worlds]
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve(Simulator(ports, settings), read))
    except (WorldError, OSError) as error:
        typer.echo(f"xapisim: {error}", err=True)
        raise typer.Exit(BROKEN_WORLD) from error


@app.command("dump")
def dump_pool(
    url: Annotated[str, typer.Argument(help="the coordinator, such as https://xs1")],
    user: Annotated[str, typer.Option(help="who logs in")] = DEFAULT_ACCOUNT.user,
    password: Annotated[
        str, typer.Option(help="with this password", envvar="XAPI_PASSWORD", prompt=True)
    ] = "",
    ca: Annotated[
        Path | None, typer.Option(help="trust this CA; without it, the system's", exists=True)
    ] = None,
    insecure: Annotated[bool, typer.Option(help="accept any certificate")] = False,
) -> None:
    """Prints a live pool as a JSON world, secrets left out."""
    context = ssl.create_default_context(cafile=ca)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        records = dumping.dump(dumping.Remote(url, context), user, password)
    except dumping.DumpError as error:
        typer.echo(f"xapisim: {error}", err=True)
        raise typer.Exit(BROKEN_WORLD) from error
    typer.echo(json.dumps(records, indent=1))


@app.command("world")
def print_world(
    hosts: Annotated[int, typer.Option(min=1, help="how many hosts")] = 4,
    vms: Annotated[int, typer.Option(min=0, help="how many running VMs")] = 40,
    seed: Annotated[int, typer.Option(help="the same seed gives the same world")] = 0,
) -> None:
    """Prints a TOML world of a fleet."""
    typer.echo(Fleet(hosts, vms, seed).toml())


def main() -> None:
    app()

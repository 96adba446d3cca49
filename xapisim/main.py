"""The command line: `xapisim serve WORLD…`."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from xapisim.classes.pool import Account
from xapisim.errors import WorldError
from xapisim.server.assembly import Settings
from xapisim.server.process import Ports, Simulator, serve
from xapisim.world import files

DEFAULT_ACCOUNT = Account("root", "xenferry")
BROKEN_WORLD = 2
"""The exit status when a world can't be served."""

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def _about() -> None:
    """A XAPI simulator: pools of hosts that answer as XenServer and XCP-ng do."""


@app.command("serve")
def serve_worlds(
    worlds: Annotated[
        list[Path], typer.Argument(help="TOML worlds or XAPI database XMLs, a pool each")
    ],
    bind: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port_base: Annotated[int, typer.Option(help="first port; 0 takes free ones")] = 0,
    user: Annotated[str, typer.Option(help="who may log in")] = DEFAULT_ACCOUNT.user,
    password: Annotated[str, typer.Option(help="with this password")] = DEFAULT_ACCOUNT.password,
    time_factor: Annotated[
        float,
        typer.Option(min=0.001, help="simulated seconds per second, or inf: no waiting"),
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="decides derived uuids and refs")] = 0,
) -> None:
    """Serves worlds until SIGTERM; prints one JSON line with the addresses when it is ready."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    settings = Settings(Account(user, password), time_factor, seed)
    try:
        read = [files.read(path, seed) for path in worlds]
        asyncio.run(serve(Simulator(Ports(bind, port_base), settings), read))
    except (WorldError, OSError) as error:
        typer.echo(f"xapisim: {error}", err=True)
        raise typer.Exit(BROKEN_WORLD) from error


def main() -> None:
    app()

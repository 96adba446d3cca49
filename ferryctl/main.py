"""The program: global options, the commands, and what becomes of errors."""

import itertools
import sys
from pathlib import Path
from typing import Annotated

import grpc
import typer

from chassis import answers
from chassis.tls import TlsSettings
from ferryctl import anywhere, exits, problems
from ferryctl.commands import (
    aggregate,
    check,
    exit_codes,
    floating_ip,
    inventory,
    migrate,
    migrations,
    orders,
)
from ferryctl.session import Output, Session
from ferryctl.views import complaints

EPILOG = (
    "Options given here may also follow the command. `ferryctl exit-codes` lists the exit codes."
)

app = typer.Typer(
    name="ferryctl",
    cls=anywhere.Group,
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

ControllerAddress = Annotated[
    str,
    typer.Option("--controller", metavar="HOST:PORT", envvar="XENFERRY_CONTROLLER"),
]
Ca = Annotated[
    Path | None,
    typer.Option("--ca", envvar="XENFERRY_CA", help="PEM of the CA that signed the controller's."),
]
Certificate = Annotated[
    Path | None,
    typer.Option("--certificate", envvar="XENFERRY_CERTIFICATE", help="PEM of your certificate."),
]
Key = Annotated[
    Path | None, typer.Option("--key", envvar="XENFERRY_KEY", help="PEM of its private key.")
]
OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="json: one document; a line each from a watch.")
]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Deadline of a call.")
]


@app.callback()
def begin(
    context: typer.Context,
    controller: ControllerAddress = "127.0.0.1:7700",
    ca: Ca = None,
    certificate: Certificate = None,
    key: Key = None,
    output: OutputOption = Output.TABLE,
    timeout: Timeout = 30.0,
) -> None:
    """Live migration of instances between XenServer and XCP-ng hosts."""
    try:
        tls = TlsSettings(certificate_file=certificate, key_file=key, ca_file=ca)
    except ValueError as error:
        raise typer.BadParameter("--ca, --certificate and --key go together") from error
    context.obj = Session(controller, tls, output, timeout)


app.command("migrate")(migrate.migrate)
app.command("check")(check.check)
app.command("list")(migrations.list_)
app.command("show")(migrations.show)
app.command("watch")(migrations.watch)
app.command("cancel")(orders.cancel)
app.command("resolve")(orders.resolve)
app.command("hosts")(inventory.hosts)
app.command("instances")(inventory.instances)
app.add_typer(aggregate.app, name="aggregate")
app.add_typer(floating_ip.app, name="floating-ip")
app.command("exit-codes")(exit_codes.exit_codes)


def _wants_json(words: list[str]) -> bool:
    """Tell from a command line whether errors are read by a program."""
    line = anywhere.hoisted(words)
    pairs = itertools.pairwise(line)
    spelled = {"--output=json", "-ojson"} & set(line)
    return bool(spelled) or any(a in ("-o", "--output") and b == "json" for a, b in pairs)


def run(words: list[str]) -> int:
    """Run one command line and return its exit code of `ferryctl.exits`."""
    json = _wants_json(words)
    try:
        app(words, standalone_mode=True)
    except SystemExit as end:  # typer ends every run with one
        return end.code if isinstance(end.code, int) else exits.OK
    except grpc.RpcError as error:
        answer = answers.read(error)
        if json:
            complaints.write_answer(answer)
        else:
            complaints.tell_answer(answer, anywhere.hoisted(words))
        return exits.of_status(answer.code)
    except problems.Problem as problem:
        (complaints.write_problem if json else complaints.tell_problem)(problem)
        return problem.exit_code
    return exits.OK


def main() -> None:
    """Run the command line that the shell gave."""
    sys.exit(run(sys.argv[1:]))

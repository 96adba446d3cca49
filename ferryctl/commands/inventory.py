"""`ferryctl hosts` and `ferryctl instances`: what the controller knows."""

from typing import Annotated

import typer

from ferryctl import documents, naming, screen
from ferryctl.session import Session
from ferryctl.views import inventory

OnHost = Annotated[str, typer.Option("--host", help="Only those on this host (uuid or name).")]


def hosts(context: typer.Context) -> None:
    """List the hosts, with their state and free memory."""
    session: Session = context.obj
    with session.connect() as controller:
        found = naming.all_hosts(controller)
    if session.json:
        documents.write_all(found)
    else:
        screen.out().print(inventory.hosts(found))


def instances(context: typer.Context, host: OnHost = "") -> None:
    """List the instances, with where they run."""
    session: Session = context.obj
    with session.connect() as controller:
        host_id = naming.host_id(controller, host) if host else ""
        found = naming.all_instances(controller, host_id)
        names = {} if session.json else naming.host_names(controller)
    if session.json:
        documents.write_all(found)
    else:
        screen.out().print(inventory.instances(found, names))

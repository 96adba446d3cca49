"""`ferryctl exit-codes`: the table that scripts rely on."""

import json
import sys

import typer

from ferryctl import exits, screen
from ferryctl.session import Session


def exit_codes(context: typer.Context) -> None:
    """List the exit codes and what they mean."""
    session: Session = context.obj
    if session.json:
        rows = [
            {"exit_code": code, "status": status, "meaning": meaning}
            for code, (status, meaning) in exits.MEANINGS.items()
        ]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    grid = screen.table("code", "status", "meaning")
    for code, (status, meaning) in exits.MEANINGS.items():
        grid.add_row(str(code), status, meaning)
    screen.out().print(grid)

"""Arguments and options that several commands share."""

from typing import Annotated

import typer

Instance = Annotated[str, typer.Argument(help="uuid, or a name that only one instance bears.")]

Migration = Annotated[str, typer.Argument(help="uuid of a migration.")]

Block = Annotated[
    bool | None,
    typer.Option(
        "--block/--no-block",
        help="Move the disks too, or never; default: decided from where the disks are.",
        show_default=False,
    ),
]

DiskOverCommit = Annotated[
    bool,
    typer.Option(
        "--disk-over-commit",
        help="With block migration, count what the disks use, not their size.",
    ),
]

ReconnectFor = Annotated[
    float,
    typer.Option(
        "--reconnect-for",
        metavar="SECONDS",
        min=0.0,
        help="While watching, how long the controller may be away.",
    ),
]

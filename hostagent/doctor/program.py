"""The command: settings first, then everything else; exit 0 when nothing is wrong, else 1."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from chassis import logs, settings
from hostagent.doctor import report
from hostagent.doctor.examination import examine
from hostagent.doctor.report import Check, well, wrong
from hostagent.settings import Settings

NAME = "xenferry-hostagent doctor"
WORD = "doctor"


def main(arguments: Sequence[str]) -> int:
    """Write the report to stdout and return the exit status."""
    options = argparse.ArgumentParser(NAME, description="check all that the agent needs")
    options.add_argument("--config", type=Path, help="settings file (TOML)")
    options.add_argument("--json", action="store_true", help="write JSON")
    asked = options.parse_args(arguments)
    logs.configure("error")
    checks = _checks(asked.config)
    sys.stdout.write(report.as_json(checks) if asked.json else report.as_text(checks))
    return 0 if report.healthy(checks) else 1


def _checks(config: Path | None) -> list[Check]:
    place = str(config) if config else "the environment"
    try:
        loaded = settings.load(Settings, config)
    except settings.SettingsError as error:
        mend = "correct the file; deploy/examples/hostagent.toml shows every key"
        return [wrong("settings", str(error), mend)]
    return [well("settings", f"{place} can be used"), *asyncio.run(examine(loaded))]

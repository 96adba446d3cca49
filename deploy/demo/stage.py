"""Where stories are told: a heading, commands as typed with their real output, and checks."""

import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

from deploy.demo import processes
from deploy.demo.stack import CALL_S, Stack
from xenferry.common.v1 import inventory_pb2 as facts_pb2
from xenferry.controller.v1 import inventory_pb2, migration_pb2, scheduler_pb2

COMMAND_S = 60.0
SHOWN_LINES = 24


class Differed(Exception):
    """Something did not happen as the story says; its text says what."""


@dataclass(slots=True)
class Stage:
    """A stack that runs, and the screen on which it is shown."""

    stack: Stack
    console: Console = field(default_factory=lambda: Console(markup=False, highlight=False))
    _chapter: int = 0

    def heading(self, title: str, *sentences: str) -> None:
        """Begin a story."""
        self._chapter += 1
        self.console.print()
        self.console.rule(Text(f"{self._chapter}. {title}", "bold"), align="left")
        for sentence in sentences:
            self.say(sentence)

    def say(self, sentence: str, style: str = "") -> None:
        """Tell something between the commands."""
        self.console.print(Text(sentence, style), soft_wrap=True)

    def check(self, truth: bool, what: str) -> None:
        """Go on if it is true; raise Differed with what was expected if not."""
        if not truth:
            raise Differed(what)

    def run(self, *words: str, expect: int | None = 0) -> int:
        """Show a command, run it with its output on this screen, and check its exit code."""
        with self.running(*words) as running:
            code = running.wait(COMMAND_S)
        if expect is not None:
            self.check(code == expect, f"{words[0]} to exit with {expect}, and it was {code}")
        return code

    @contextmanager
    def running(self, *words: str) -> Iterator[processes.Child]:
        """Show a command and run it while the block lasts, with its output on this screen."""
        self.show(words)
        self.console.file.flush()
        line = [processes.program(words[0]), *words[1:]]
        environment = {**os.environ, "XENFERRY_CONTROLLER": self.stack.address}
        with processes.running(line, env=environment, stderr=subprocess.STDOUT) as running:
            yield running

    def capture(self, *words: str, expect: int = 0) -> str:
        """Show a command and its output, and return the output."""
        self.show(words)
        line = [processes.program(words[0]), *words[1:]]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with processes.running(line, **pipes) as running:
            output, _ = running.communicate(timeout=COMMAND_S)
        self._print_beginning(output.rstrip().splitlines())
        code = running.returncode
        self.check(code == expect, f"{words[0]} to exit with {expect}, and it was {code}")
        return output

    def _print_beginning(self, lines: Sequence[str]) -> None:
        self.console.print("\n".join(lines[:SHOWN_LINES]), soft_wrap=True)
        if len(lines) > SHOWN_LINES:
            self.say(f"… and {len(lines) - SHOWN_LINES} lines more", "dim")

    def show(self, words: Sequence[str]) -> None:
        """Show a command as one would type it."""
        self.console.print(Text(f"$ {shlex.join(words)}", "bold cyan"), soft_wrap=True)

    def instance(self, name: str) -> inventory_pb2.Instance:
        """Return an instance as the controller has it."""
        with self.stack.services() as services:
            request = inventory_pb2.GetInstanceRequest(instance=name)
            return services.inventory.GetInstance(request, timeout=CALL_S)

    def instances(self) -> list[facts_pb2.InstanceFacts]:
        """Return what is known of every instance."""
        with self.stack.services() as services:
            request = inventory_pb2.ListInstancesRequest(page_size=1000)
            answer = services.inventory.ListInstances(request, timeout=CALL_S)
        return [instance.facts for instance in answer.instances]

    def host_of(self, name: str) -> str:
        """Return the name of the host that the controller has an instance on."""
        host_id = self.instance(name).facts.host_id
        names = {host.facts.host_id: host.facts.name for host in self.stack.hosts()}
        return names.get(host_id, "")

    def newest_migration(self, instance_id: str) -> migration_pb2.Migration | None:
        """Return the last migration of an instance."""
        wanted = scheduler_pb2.MigrationFilter(instance_id=instance_id)
        request = scheduler_pb2.ListMigrationsRequest(filter=wanted, page_size=1)
        with self.stack.services() as services:
            found = services.scheduler.ListMigrations(request, timeout=CALL_S).migrations
        return found[0] if found else None

    def wait_for_move(self, instance_id: str, percent: float) -> migration_pb2.Migration:
        """Return the instance's migration once its move is that far."""
        wanted = scheduler_pb2.MigrationFilter(instance_id=instance_id)
        request = scheduler_pb2.WatchMigrationsRequest(filter=wanted)
        with self.stack.services() as services:
            for answer in services.scheduler.WatchMigrations(request, timeout=COMMAND_S):
                if _is_moving(answer.migration, percent):
                    return answer.migration
        raise Differed(f"the move of {instance_id} to come to {percent:.0f} %")


def _is_moving(migration: migration_pb2.Migration, percent: float) -> bool:
    moving = migration.state == migration_pb2.MIGRATION_STATE_MOVING
    return moving and migration.progress.percent >= percent


def is_installed(name: str) -> bool:
    """Tell whether a program is there beside ours."""
    return Path(processes.program(name)).exists()

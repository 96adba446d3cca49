"""Somebody who types ferryctl commands at a stack."""

from dataclasses import dataclass
from subprocess import CompletedProcess

import pytest

from deploy.demo.stack import Stack
from ferryctl import main


@dataclass(frozen=True, slots=True)
class Operator:
    """Runs ferryctl in this process; that it is a program of its own is tested elsewhere."""

    stack: Stack
    capture: pytest.CaptureFixture[str]

    def types(self, *words: str) -> "CompletedProcess[str]":
        """Run a command and return what it wrote."""
        self.capture.readouterr()
        code = main.run(["--controller", self.stack.address, *words])
        out, err = self.capture.readouterr()
        return CompletedProcess(words, code, out, err)

    def does(self, *words: str) -> str:
        """Run a command that must go well and return what it said."""
        ran = self.types(*words)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

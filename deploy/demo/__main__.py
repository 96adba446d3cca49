"""`python -m deploy.demo`: tells the stories, or stays up to be played with."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import grpc
from rich.console import Console

from chassis import answers
from deploy.demo import berths, interrupts, pools, processes, serving, stack, stage, stories

DIFFERED = 1


def main() -> int:
    """Play the demo until it is over, or until a signal ends it."""
    interrupts.handle()
    return play(sys.argv[1:])


def play(words: Sequence[str], launcher: processes.Launcher = processes.execute) -> int:
    """Return 0 when everything happened as told, 4 when a real pool refused, 1 otherwise."""
    options = _options(words)
    console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else 100)
    with tempfile.TemporaryDirectory(prefix="xenferry-demo-") as directory:
        parts = _stack(Path(directory), options, launcher)
        try:
            with parts as running:
                return _tell(options, stage.Stage(running, console))
        except (stage.Differed, processes.NotReady, TimeoutError) as error:
            console.print(f"the demo went wrong; expected: {error}", style="bold red")
            return DIFFERED
        except grpc.RpcError as error:
            console.print(f"the demo went wrong: {answers.read(error).message}", style="bold red")
            return DIFFERED
        except KeyboardInterrupt:
            console.print("ended; nothing is left running")
            return 0 if options.serve else 130


def _stack(
    directory: Path, options: argparse.Namespace, launcher: processes.Launcher
) -> stack.Stack:
    if options.world == stack.DEMO_WORLD:
        return berths.stack(directory, options.time_factor, launcher)
    return stack.Stack(directory, options.world, options.time_factor, launcher=launcher)


def _tell(options: argparse.Namespace, on: stage.Stage) -> int:
    if options.serve:
        serving.stay_up(on)
    if options.instance:
        return pools.story(options.instance, options.to)(on)
    for story in stories.STORIES:
        story(on)
    return 0


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("demo", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="stay up until Ctrl-C")
    parser.add_argument(
        "--world", type=Path, default=stack.DEMO_WORLD, help="TOML world or XAPI database XML"
    )
    parser.add_argument("--instance", default="", help="with --world: the instance to move")
    parser.add_argument("--to", default="", help="with --instance: where to; else the other host")
    parser.add_argument(
        "--time-factor", type=float, default=3.0, help="simulated seconds in a real one"
    )
    options = parser.parse_args(words)
    if options.world != stack.DEMO_WORLD and not (options.instance or options.serve):
        parser.error("--world goes with --instance NAME or --serve")
    if not options.world.is_file():
        parser.error(f"{options.world}: no such file")
    return options


if __name__ == "__main__":
    sys.exit(main())

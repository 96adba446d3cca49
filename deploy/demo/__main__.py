"""`python -m deploy.demo`: tells the stories, or stays up to be played with."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import grpc
from rich.console import Console

from chassis import answers
from deploy.demo import interrupts, pools, processes, serving, stack, stage, stories

DIFFERED = 1


def main() -> int:
    """Return 0 when everything happened as told, 4 when a real pool refused, 1 otherwise."""
    options = _options(sys.argv[1:])
    interrupts.handle()
    console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else 100)
    with tempfile.TemporaryDirectory(prefix="xenferry-demo-") as directory:
        try:
            parts = stack.Stack(Path(directory), options.world, options.time_factor)
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
        "--time-factor", type=float, default=1.5, help="simulated seconds in a real one"
    )
    options = parser.parse_args(words)
    if options.world != stack.DEMO_WORLD and not (options.instance or options.serve):
        parser.error("--world goes with --instance NAME or --serve")
    if not options.world.is_file():
        parser.error(f"{options.world}: no such file")
    return options


if __name__ == "__main__":
    sys.exit(main())

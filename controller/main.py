"""xenferry-controller: the program."""

from chassis.program import Program
from controller.assembly import assemble
from controller.settings import Settings


def main() -> None:
    """Run the controller until SIGTERM."""
    Program("xenferry-controller", Settings, assemble).main()


if __name__ == "__main__":
    main()

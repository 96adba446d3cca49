"""The program xenferry-hostagent."""

from chassis.program import Program
from hostagent.assembly import assemble
from hostagent.settings import Settings


def main() -> None:
    """Run until SIGTERM."""
    Program("xenferry-hostagent", Settings, assemble).main()


if __name__ == "__main__":
    main()

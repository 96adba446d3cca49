"""The program xenferry-hostagent, and its doctor."""

import sys

from chassis.program import Program
from hostagent.assembly import assemble
from hostagent.doctor import program as doctor
from hostagent.settings import Settings


def main() -> None:
    """Run until SIGTERM; `doctor` as the first word looks at the settings instead."""
    if sys.argv[1:2] == [doctor.WORD]:
        sys.exit(doctor.main(sys.argv[2:]))
    Program("xenferry-hostagent", Settings, assemble).main()


if __name__ == "__main__":
    main()

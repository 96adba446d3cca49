"""`python -m xapisim` is the command `xapisim`."""

from xapisim.main import main

main()

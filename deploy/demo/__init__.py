"""The demo: the whole system as processes on this machine, and stories told with it.

It is a package of its own so that the system tests and the benchmark start the same processes as
the demo does.
"""

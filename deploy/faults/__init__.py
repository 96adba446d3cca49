"""The fault matrix: every fault at every moment of every migration, with real processes.

The moments come from the saga's tables. A relay before each agent keeps a call at the moment that
is meant, the fault strikes, and when all is well again what is left is compared.
"""

"""The soak: many moves of many guests under random faults, everything decided by a seed."""

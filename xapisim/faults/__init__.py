"""Faults by name: what can be made to go wrong, and which of them are armed."""

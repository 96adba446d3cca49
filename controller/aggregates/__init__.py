"""Brings pools to what aggregates want."""

"""Checks: pure functions from facts to findings, so that each side asks the same questions."""

"""Volumes: storage repositories of one volume each, which follow their guest."""

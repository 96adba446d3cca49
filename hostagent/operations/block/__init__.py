"""Block migration: a guest moves with its disks (host.migrate_receive, VM.migrate_send)."""

"""VM.pool_migrate: its checks, its phases, its endings."""

"""Who belongs to a pool and who leads it: joining, leaving, changing the coordinator."""

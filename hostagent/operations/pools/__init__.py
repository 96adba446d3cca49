"""What is done to pools: one file a call."""

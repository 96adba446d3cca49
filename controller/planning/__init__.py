"""Whether an instance may move, and how: decided before anything is written or touched."""

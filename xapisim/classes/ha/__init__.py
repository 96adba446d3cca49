"""High availability, and what hosts notice about each other with and without it."""

"""How migrations fare, for operators; no ids as labels."""

from prometheus_client import Counter, Gauge, Histogram

MIGRATIONS = Counter(
    "xenferry_migrations_total", "Migrations that ended, by how.", ["kind", "outcome"]
)
SECONDS = Histogram(
    "xenferry_migration_seconds",
    "From admission to the end of a migration.",
    ["kind", "outcome"],
    buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400),
)
OPEN = Gauge("xenferry_migrations_open", "Migrations that this process drives.", ["state"])
SETTLED = Counter(
    "xenferry_settle_total",
    "How often it was asked where the guest of a broken move is, by the answer.",
    ["verdict"],
)

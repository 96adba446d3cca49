"""What the store costs.

"migration" is the work for migrations, "inventory" that of heartbeats, "beat" what replicas tell
each other.
"""

from prometheus_client import Counter

COMMITS = Counter(
    "xenferry_store_commits_total", "Transactions that wrote and were committed.", ["purpose"]
)
STATEMENTS = Counter(
    "xenferry_store_statements_total", "SQL statements that were executed.", ["purpose"]
)
FAILURES = Counter(
    "xenferry_store_failures_total", "Transactions that the database did not take.", ["purpose"]
)

MIGRATION = "migration"
INVENTORY = "inventory"
READ = "read"
BEAT = "beat"
FLOATING = "floating"
AGGREGATES = "aggregates"

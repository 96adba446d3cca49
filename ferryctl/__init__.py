"""The operator's command line.

gRPC's own log lines are switched off before grpc is imported anywhere: an outage is told in a
sentence of ours, not in a C++ trace between the rows of a table.
"""

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

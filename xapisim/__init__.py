"""A XAPI simulator: pools of XenServer and XCP-ng hosts that answer on the wire as XAPI does."""

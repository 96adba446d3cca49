"""What the agent knows and says, as plain values: nothing of gRPC, nothing of XenAPI."""

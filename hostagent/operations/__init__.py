"""What the agent does: one module an RPC, and what they share. No word of the wire."""

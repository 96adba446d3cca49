"""What saga and planner need of the world, as Protocols that store/ and clients/ fulfil."""

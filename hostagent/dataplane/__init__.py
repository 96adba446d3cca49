"""What the agent does to its own machine's network: addresses, translations, neighbours."""

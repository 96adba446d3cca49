"""Floating IPs follow their instances: what each host shall carry is told to it until it does."""

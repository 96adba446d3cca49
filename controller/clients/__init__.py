"""The host agents behind the ports: the only package that calls another service."""

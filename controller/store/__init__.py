"""The database behind the ports: the only package that speaks SQL."""

"""The services on the wire: each handler validates, asks what is below, and renders."""

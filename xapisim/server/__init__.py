"""The network side: a port a host, a port for control, and the process around them."""

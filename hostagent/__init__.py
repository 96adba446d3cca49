"""The host agent: does to one hypervisor, over XAPI, what the controller asks."""

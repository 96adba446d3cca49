"""The commands; each module has those that speak to one service of the controller."""

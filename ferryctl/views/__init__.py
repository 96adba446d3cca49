"""How answers look on a screen; each module turns one kind of message into text."""

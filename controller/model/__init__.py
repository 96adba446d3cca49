"""What the controller knows, as frozen values: no wire, no disk, no clock."""

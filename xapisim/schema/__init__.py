"""What XAPI's classes look like: fields, relations and messages, as data under schema/data."""

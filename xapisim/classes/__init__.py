"""What XAPI's calls do: one module a subject, each with the table of the calls it implements."""

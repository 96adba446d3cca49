"""`xenferry-hostagent doctor`: looks at all that the agent needs, and says how to mend it."""

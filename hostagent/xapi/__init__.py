"""XAPI, typed and asynchronous; the only package that imports the XenAPI library."""

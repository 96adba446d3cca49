"""How values travel: XML-RPC and JSON-RPC, byte for byte as XAPI writes and reads them."""

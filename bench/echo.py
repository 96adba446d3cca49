"""Answers every XML-RPC call with so many bytes and does nothing else: what a call costs at least.

    python -m bench.echo BYTES

Prints the port it listens on.
"""

import asyncio
import sys

_CALL_END = b"</methodCall>\n"


class Echo(asyncio.Protocol):
    """One connection; a call ends with its closing tag."""

    def __init__(self, reply: bytes) -> None:
        self._reply = reply
        self._received = b""
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where replies go."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Reply as soon as the call is complete."""
        self._received += data
        if self._received.endswith(_CALL_END) and isinstance(self._transport, asyncio.Transport):
            self._received = b""
            self._transport.write(self._reply)


async def serve(size: int) -> None:
    """Listen until killed."""
    reply = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (size, b"x" * size)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Echo(reply), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))

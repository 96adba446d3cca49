"""Requests and replies of HTTP/1.1 as bytes, as far as XAPI speaks it."""

from dataclasses import dataclass

MAX_BODY_BYTES = 16 * 2**20
"""What a client may make the simulator keep; beyond it is 413."""
_MAX_DIGITS = 12
_LINE_END = b"\r\n"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    500: "Internal Error",
}


class BadRequestError(Exception):
    """Bytes that are no HTTP request, or none that is taken."""

    def __init__(self, status: int = 400) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """`headers` has lower-case names."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def keeps_alive(self) -> bool:
        return "close" not in self.headers.get("connection", "").lower()


@dataclass(frozen=True, slots=True)
class Reply:
    """`head` is the header lines but for the length, each with its line end."""

    body: bytes = b""
    status: int = 200
    head: str = ""
    closes: bool = False

    def encode(self) -> bytes:
        start = f"HTTP/1.1 {self.status} {_REASONS[self.status]}\r\n{self.head}"
        return f"{start}content-length: {len(self.body)}\r\n\r\n".encode("latin-1") + self.body


def head(fields: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items())


def parse_head(text: bytes) -> Request:
    """The request line and the headers."""
    first, *lines = text.lstrip(_LINE_END).decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequestError
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequestError
        headers[name.lower()] = value.strip()
    if words[2] == "HTTP/1.0":
        headers.setdefault("connection", "close")
    return Request(words[0], words[1].partition("?")[0], headers)


def body_length(request: Request) -> int:
    """Of the body; without a length there is none, and a body in chunks is refused."""
    text = request.headers.get("content-length", "0")
    is_number = text.isascii() and text.isdigit()
    if not is_number or "transfer-encoding" in request.headers:
        raise BadRequestError
    if len(text) > _MAX_DIGITS or int(text) > MAX_BODY_BYTES:
        raise BadRequestError(413)
    return int(text)

"""Lists of the controller come in pages (AIP-158); a command wants them whole."""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

# The most that the contract allows on a page.
LARGEST_PAGE = 1_000


class Request(Protocol):
    """What asks for a page."""

    page_token: str


class Page(Protocol):
    """What answers it; the token is empty on the last one."""

    @property
    def next_page_token(self) -> str:
        """Return what asks for the next page."""
        ...


RequestT = TypeVar("RequestT", bound=Request)
PageT = TypeVar("PageT", bound=Page)


def pages(call: Callable[..., PageT], request: RequestT, timeout_s: float) -> Iterator[PageT]:
    """Yield one page after the other; each is asked for when the one before was used."""
    while True:
        page = call(request, timeout=timeout_s)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token

"""Counts calls to XAPI by what became of them, and times them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from hostagent.model import metrics
from hostagent.xapi.errors import XapiError
from hostagent.xapi.session import Redirected, SessionDied
from hostagent.xapi.transport import NoAnswer, NotSent

# What is no answer of XAPI to the call itself.
_UNANSWERED = {
    NotSent: "not_sent",
    SessionDied: "session_died",
    Redirected: "redirected",
}


@contextmanager
def call(method: str) -> Iterator[None]:
    """Measure one call, however it ends."""
    began, outcome = time.perf_counter(), "ok"
    try:
        yield
    except XapiError as error:
        outcome = error.error_class.value
        raise
    except NoAnswer:
        outcome = "no_answer"
        raise
    except (NotSent, SessionDied, Redirected) as error:
        outcome = _UNANSWERED[type(error)]
        raise
    finally:
        metrics.XAPI_CALLS.labels(method, outcome).inc()
        metrics.XAPI_SECONDS.labels(method).observe(time.perf_counter() - began)

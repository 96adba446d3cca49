"""Who calls, as far as the transport can tell."""

from typing import Any

import grpc.aio


def name(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    """Return the name in the client's certificate, else its address."""
    authenticated: Any = context.auth_context()
    for key in ("x509_subject_alternative_name", "x509_common_name"):
        names = tuple(authenticated.get(key) or ())
        if names:
            return str(names[0].decode("utf-8", "replace"))
    return str(context.peer())

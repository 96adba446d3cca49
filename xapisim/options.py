"""Command-line options as a dataclass, for a command that has more of them than a function should
have parameters.
"""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any, ClassVar, Protocol, TypeVar, get_type_hints


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Options = TypeVar("Options", bound=_Dataclass)


def taking(options: type[Options]) -> Callable[[Callable[[Options], None]], Callable[..., None]]:
    """The command gets one object; typer sees an argument for each field of its dataclass."""

    def decorate(command: Callable[[Options], None]) -> Callable[..., None]:
        def run(**given: Any) -> None:
            command(options(**given))

        hints = get_type_hints(options, include_extras=True)
        declared: tuple[Field[Any], ...] = fields(options)
        run.__annotations__ = hints
        vars(run)["__signature__"] = inspect.Signature(
            [_parameter(field, hints[field.name]) for field in declared]
        )
        run.__doc__ = command.__doc__
        return run

    return decorate


def _parameter(field: Field[Any], hint: Any) -> inspect.Parameter:
    default = inspect.Parameter.empty if field.default is MISSING else field.default
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(field.name, kind, default=default, annotation=hint)

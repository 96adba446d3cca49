"""The schema's nouns: classes with fields and messages, enumerations and relations."""

from dataclasses import dataclass

from xapisim.schema.types import Type
from xapisim.values import Value


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a class; `default` is its value when nobody gives one."""

    name: str
    qualifier: str
    type: Type
    default: Value
    has_default: bool
    removed: bool
    column: str
    """Its name in a XAPI database, where `name_label` is `name__label`."""

    @property
    def writable(self) -> bool:
        return self.qualifier == "RW"


@dataclass(frozen=True, slots=True)
class Param:
    name: str
    type: Type
    required: bool
    default: Value


@dataclass(frozen=True, slots=True)
class Message:
    """A call that the class declares beyond the generic accessors; the session is not among
    `params`.
    """

    name: str
    params: tuple[Param, ...]
    result: Type
    has_async: bool
    needs_session: bool
    removed: bool


@dataclass(frozen=True, slots=True)
class Class:
    name: str
    fields: dict[str, Field]
    messages: dict[str, Message]
    implicit: frozenset[str]
    """Which of create, destroy, get_all, get_by_uuid and get_by_name_label it has."""
    hidden: frozenset[str]
    """Messages that XAPI answers and its documentation doesn't list."""
    accessors: bool
    removed: bool

    @property
    def wire_name(self) -> str:
        """How events and valid_ref_counts call the class."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Relation:
    """`one_class.one_field` points at an object whose `many_field` lists everything that points at
    it.
    """

    one_class: str
    one_field: str
    many_class: str
    many_field: str


@dataclass(frozen=True, slots=True)
class Schema:
    classes: dict[str, Class]
    enums: dict[str, tuple[str, ...]]
    relations: tuple[Relation, ...]

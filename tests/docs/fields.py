"""The fields of protocol types as tables show them: name, `?` if it may be absent, kind."""

from __future__ import annotations

from functools import reduce
from importlib import import_module
from operator import or_
from typing import Any, NamedTuple, get_args

import msgspec
from msgspec import UnsetType, inspect

# Words that a table may use for each kind of value.
WORDS: dict[type, tuple[str, ...]] = {
    inspect.StrType: ("text", "time"),
    inspect.LiteralType: ("text",),
    inspect.IntType: ("integer",),
    inspect.FloatType: ("number",),
    inspect.BoolType: ("boolean",),
    inspect.ListType: ("list",),
    inspect.DictType: ("object",),
    inspect.StructType: ("object",),
    inspect.AnyType: ("any",),
}


class Field(NamedTuple):
    """A field: its name, `optional` if it may be absent, the words that fit, `nullable`."""

    name: str
    optional: bool
    words: frozenset[str]
    nullable: bool


def resolve(path: str) -> Any:
    """Return the type that a table names, such as `chat.protocol.Typing`."""
    module, _dot, name = path.rpartition(".")
    return getattr(import_module(module), name)


def fields_of(kind: type[msgspec.Struct]) -> list[Field]:
    """Return the fields of a type, in its order.

    What clients send refuses unknown fields, and there a default makes a field optional. In what
    the server sends, only UNSET does: every other default is written out.
    """
    from_client = kind.__struct_config__.forbid_unknown_fields
    found = []
    for field in msgspec.structs.fields(kind):
        parts = get_args(field.type) if UnsetType in get_args(field.type) else (field.type,)
        known = [part for part in parts if part is not UnsetType]
        types = _alternatives(reduce(or_, known))
        nullable = any(isinstance(each, inspect.NoneType) for each in types)
        words = {word for each in types for word in WORDS.get(type(each), ())}
        optional = not field.required if from_client else len(known) < len(parts)
        # A client leaves a field out rather than sending null, which is taken all the same.
        shown_null = nullable and not from_client
        found.append(Field(field.encode_name, optional, frozenset(words), shown_null))
    return found


def _alternatives(hint: Any) -> list[Any]:
    info = inspect.type_info(hint)
    found = list(info.types) if isinstance(info, inspect.UnionType) else [info]
    return [each.type if isinstance(each, inspect.Metadata) else each for each in found]

"""Values as JSON and back, by the types of their fields.

One way for all that is kept in a file or sent to the worker. A dataclass is an object of its fields, a named
tuple a list, bytes are base64, a path or an enum member its text. Fields that are not there get their
default, and fields that nobody knows are passed over: an older version wrote, or a newer one.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, TypeVar

T = TypeVar("T")


def plain(value: object) -> Any:
    """A value as JSON has it."""
    if isinstance(value, enum.Enum):
        return value.value
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def built(kind: type[T], value: object) -> T:
    """The value of this type that :func:`plain` spelled. Raises ValueError, TypeError or KeyError."""
    return typing.cast(T, _built(kind, value))


def _built(kind: Any, value: Any) -> Any:
    kind = getattr(kind, "__supertype__", kind)
    if kind in (Any, object):
        return value
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return (
            None if value is None else _built(next(part for part in parts if part is not type(None)), value)
        )
    if origin is not None:
        return _collection(origin, parts, value)
    if kind is bytes:
        return base64.b64decode(_checked(value, str), validate=True)
    if kind in (str, bool, int):
        return _checked(value, kind)
    if kind is float:
        return float(_checked(value, (int, float)))
    if dataclasses.is_dataclass(kind):
        return _record(kind, _checked(value, dict))
    if issubclass(kind, tuple):
        items = zip(_hints(kind).values(), _checked(value, list), strict=True)
        return kind(*(_built(part, each) for part, each in items))
    return kind(value)


def _record(kind: Any, value: Mapping[str, Any]) -> Any:
    hints, fields = _hints(kind), dataclasses.fields(kind)
    missing = [field.name for field in fields if field.name not in value and _is_required(field)]
    if missing:
        raise KeyError(missing[0])
    return kind(
        **{each.name: _built(hints[each.name], value[each.name]) for each in fields if each.name in value}
    )


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _collection(origin: Any, parts: Any, value: Any) -> Any:
    if issubclass(origin, Mapping):
        key, kind = parts
        return {_built(key, name): _built(kind, each) for name, each in _checked(value, dict).items()}
    items = _checked(value, list)
    if origin is not tuple or parts[-1] is ...:
        return (list if origin is list else tuple)(_built(parts[0], each) for each in items)
    return tuple(_built(part, each) for part, each in zip(parts, items, strict=True))


def _checked(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{value!r} is no {getattr(kind, '__name__', 'number')}")
    return value


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)

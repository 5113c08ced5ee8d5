"""Values go to JSON and come back the same."""

from __future__ import annotations

import enum
import json
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmig.wire.codec import built, plain

Name = NewType("Name", str)


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Entry(NamedTuple):
    mode: str
    blob: Name | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    data: bytes | None
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    name: Name
    colour: Colour
    entries: Mapping[str, Entry]
    inner: Inner | None
    pair: tuple[int, str | None]
    seconds: float | None = None
    place: Path = Path("/")
    more: tuple[Inner, ...] = field(default=())


_TEXT = st.text(string.printable, max_size=5)
_INNER = st.builds(Inner, data=st.none() | st.binary(), numbers=st.lists(st.integers()).map(tuple))
_OUTER = st.builds(
    Outer,
    name=_TEXT.map(Name),
    colour=st.sampled_from(Colour),
    entries=st.dictionaries(_TEXT, st.builds(Entry, _TEXT, st.none() | _TEXT.map(Name))),
    inner=st.none() | _INNER,
    pair=st.tuples(st.integers(), st.none() | _TEXT),
    seconds=st.none() | st.floats(allow_nan=False),
    place=_TEXT.map(lambda text: Path("/", text.replace("\0", ""))),
    more=st.lists(_INNER).map(tuple),
)


@given(_OUTER)
def test_there_and_back(value: Outer) -> None:
    assert built(Outer, json.loads(json.dumps(plain(value)))) == value


def test_what_another_version_wrote() -> None:
    value = {"data": "AA==", "unknown": 1}
    assert built(Inner, value) == Inner(data=b"\0")


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        (Inner, {}, KeyError),
        (Inner, {"data": 1}, TypeError),
        (Inner, {"data": "%"}, ValueError),
        (Inner, {"data": None, "numbers": [True]}, TypeError),
        (Inner, {"data": None, "numbers": ["1"]}, TypeError),
        (Inner, [], TypeError),
        (Entry, ["100644"], ValueError),
        (Colour, "green", ValueError),
        (tuple[int, str], [1], ValueError),
        (Mapping[str, int], [], TypeError),
    ],
)
def test_what_is_no_such_value(kind: Any, value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        built(kind, value)


def test_what_has_no_json() -> None:
    with pytest.raises(TypeError, match="no JSON for object"):
        plain(object())

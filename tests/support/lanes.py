"""Which tests run when: `pytest` by day, `-m "not slow"` in half a minute, `-m ""` all of them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import pytest


def by_day(values: Iterable[Any], *, number: int, of: int) -> list[Any]:
    """Parameters of which one in ``of`` runs by day, beginning with the one at ``number``."""
    return [
        pytest.param(value, marks=() if place % of == number else pytest.mark.nightly)
        for place, value in enumerate(values)
    ]


def of_the_day(name: str, kind: str) -> bool:
    """Whether a test runs on this kind of database by day: on SQLite or PostgreSQL; by night on both."""
    number = zlib.crc32(name.replace(kind, "").encode()) % 2
    return kind == ("sqlite", "postgresql")[number]


_QUICK = {
    "": "checks cli_arguments commands_on_pages configuration contributing crossing english graph header help"
    " interpreter plan protection readme record reference schema scripts seen settings wheel whereabouts",
    "core": "drawing drops references ties timeline",
    "core/revisions": "backports effects head_file numbering rewriting sides squashing",
    "core/schema": "commuting",
    "environments": "finding",
    "facts": "history known_history",
    "gitroom": "commits repository restore temporary trees",
    "recovery": "verdict",
    "wire": "codec redaction",
    "worker": "description facets tracebacks",
}
"""Folder to the names of the files that start hardly any processes (0.12 s a test at the most)."""


def quick() -> frozenset[str]:
    """The paths of the files that are not slow, below tests/."""
    return frozenset(
        f"{folder}/test_{name}.py".lstrip("/") for folder, names in _QUICK.items() for name in names.split()
    )

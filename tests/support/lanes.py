"""Which of many alike run by day; the others are for the night (`pytest -m ""`, `.ci/nightly`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def by_day(values: Iterable[Any], *, number: int, of: int) -> list[Any]:
    """Parameters of which one in ``of`` runs by day, beginning with the one at ``number``."""
    return [
        pytest.param(value, marks=() if place % of == number else pytest.mark.nightly)
        for place, value in enumerate(values)
    ]

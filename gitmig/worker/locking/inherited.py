"""Locks that a process above this one holds: the command of ``gitmig lock`` does not wait for them."""

from __future__ import annotations

import os
from collections.abc import Iterable

VARIABLE = "GITMIG_LOCK_HELD"


def inherited(token: str | None) -> str | None:
    """The token of a lock's holder, if that is a process above this one."""
    return token if token is not None and token in _tokens() else None


def handed_down(tokens: Iterable[str | None]) -> str:
    """The variable's value for a process below this one, which holds locks with these tokens."""
    return "\n".join([*_tokens(), *(token for token in tokens if token is not None)])


def _tokens() -> list[str]:
    return os.environ.get(VARIABLE, "").splitlines()

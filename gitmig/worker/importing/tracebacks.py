"""Errors of the project's own code, in the project's own terms and never with a password in them."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...wire.redaction import without_passwords
from ..channel import Failure, ParentGone
from .places import Places

if TYPE_CHECKING:
    from ..session import Session

_MOST_FRAMES = 12
_MOST_VALUES = 8


def first_line(error: BaseException) -> str:
    """``ImportError: no such thing``: an error's type and the first line of its text, without passwords."""
    lines = str(error).strip().splitlines()
    text = ": ".join((type(error).__name__, *lines[:1]))
    return without_passwords("; ".join((text, *_invalid(error))))


def _invalid(error: BaseException) -> list[str]:
    """What pydantic says of each value, by name: its first line has their number alone. No value is shown."""
    try:
        found = error.errors()  # type: ignore[attr-defined]
        return [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found[:_MOST_VALUES]]
    except Exception:
        return []


def user_traceback(error: BaseException, top: str | Places) -> str:
    """The frames of the project's own files, oldest first, with paths relative to the top; "" if none.

    ``top`` is the checkout, or better ``session.places``, which knows the folder of a tree as well.
    """
    places = top if isinstance(top, Places) else Places(top)
    lines = []
    for frame in traceback.extract_tb(error.__traceback__):
        path = _of_project(places, frame.filename)
        if path is not None:
            lines.append(f'  File "{path}", line {frame.lineno}, in {frame.name}')
            if frame.line:
                lines[-1] += f"\n    {frame.line}"
    if isinstance(error, SyntaxError) and error.filename:
        path = _of_project(places, error.filename) or error.filename
        lines.append(f'  File "{path}", line {error.lineno}\n    {(error.text or "").strip()}'.rstrip())
    return without_passwords("\n".join(lines[-_MOST_FRAMES:]))


def project_failure(error: BaseException, places: Places) -> Failure:
    """The Failure for what the project's code raised: kind "project-code", or "alembic" for its own.

    ``full`` in its data is the whole traceback, for ``--debug``.
    """
    from alembic.util import CommandError

    full = without_passwords("".join(traceback.format_exception(type(error), error, error.__traceback__)))
    detail = user_traceback(error, places) or None
    if type(error) is CommandError:
        return Failure("alembic", without_passwords(str(error)), detail, full=full)
    return Failure("project-code", first_line(error), detail, full=full)


@contextmanager
def project_code(session: Session) -> Iterator[None]:
    """Run the project's code: whatever it raises, ``sys.exit`` included, becomes a Failure."""
    try:
        yield
    except (Failure, ParentGone, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise project_failure(error, session.places) from error


def _of_project(places: Places, filename: str) -> str | None:
    return places.relative(filename) if os.path.isabs(filename) else None

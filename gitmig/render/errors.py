"""Errors as text and as the JSON error object."""

from __future__ import annotations

import platform
import traceback

from gitmig import __version__
from gitmig.errors import Declined, GitmigError
from gitmig.render.harmless import harmless
from gitmig.render.hints import hinted


def error_text(error: GitmigError) -> str:
    """``Error:``, the detail if there is one, and ``Hint:``."""
    if isinstance(error, Declined):
        # No is an answer, and no error.
        return f"{error.message[0].upper()}{harmless(error.message[1:])}"
    first, *rest = harmless(error.message).splitlines() or [""]
    details = [*rest, *(error.detail or "").splitlines()]
    lines = [f"Error: {_line(first)}", *(f"  {harmless(line)}" for line in details)]
    if error.hint:
        lines.append(f"Hint: {_line(harmless(hinted(error.hint)))}")
    return "\n".join(lines)


def error_json(error: GitmigError) -> dict[str, object]:
    """The error object of shared JSON contract, version 1."""
    return {
        "version": 1,
        "error": {
            "code": error.code,
            "message": _line(error.message),
            "hint": error.hint and _line(hinted(error.hint)),
            **({"detail": error.detail} if error.detail else {}),
        },
    }


def unexpected_text(error: Exception) -> str:
    """An error inside gitmig: the traceback and what to report with it."""
    trace = "".join(traceback.format_exception(error))
    message = f"Error: gitmig itself failed: {_first_line(error)}"
    return f"{harmless(trace + message)}\nHint: report it with the lines above and: {_versions()}"


def unexpected_json(error: Exception) -> dict[str, object]:
    """An error inside gitmig as the JSON error object."""
    trace = "".join(traceback.format_exception(error))
    return {
        "version": 1,
        "error": {
            "code": "internal",
            "message": f"gitmig itself failed: {_first_line(error)}",
            "hint": f"report it with: {_versions()}",
            "detail": trace,
        },
    }


def _line(text: str) -> str:
    # git and Alembic end their sentences; ours are lines.
    return text if text.endswith("..") else text.removesuffix(".")


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _versions() -> str:
    return f"gitmig {__version__}, Python {platform.python_version()}, {platform.platform()}"

"""Writing one file in one step, so that a crash leaves it old or new."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gitmig.failpoints import failpoint


def write_text(path: Path, text: str) -> None:
    """Write a file that must not be there yet, or replace one of ours, in one step."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """The same for bytes; a file that is replaced keeps its mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    try:
        temporary.write_bytes(data)
        failpoint("file-half-written")
        if path.exists():
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_beside_others(path: Path, text: str) -> None:
    """Write a file of ours that several processes may write at once: each writes all of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, "utf-8")
        temporary.replace(path)
    finally:
        # A disk that is full keeps the empty file of the name.
        temporary.unlink(missing_ok=True)


def remove_temporary(path: Path) -> None:
    """Remove what a killed :func:`write_bytes` left beside the file that it was going to write."""
    _temporary(path).unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.gitmig")

"""What is told of the project's errors."""

from __future__ import annotations

import pytest

from gitmig.worker.importing.tracebacks import first_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ImportError("no such thing"), "ImportError: no such thing"),
        (ValueError(), "ValueError"),
        (RuntimeError("\n  one\ntwo"), "RuntimeError: one"),
    ],
)
def test_the_first_line(error: Exception, line: str) -> None:
    assert first_line(error) == line

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


def test_values_that_pydantic_refuses_are_named_and_not_shown() -> None:
    class Refused(ValueError):
        def errors(self) -> list[dict[str, object]]:
            return [{"loc": ("database", "url"), "msg": "Field required", "input": "secret"}]

    line = "Refused: 1 validation error for Settings; database.url: Field required"
    assert first_line(Refused("1 validation error for Settings\ninput_value='secret'")) == line

"""What a key's definition says, in the dialects' own writing."""

from __future__ import annotations

import pytest

from gitmig.core.references import Reference, key_columns, reference


@pytest.mark.parametrize(
    ("ddl", "dialect", "expected"),
    [
        ("FOREIGN KEY(a_id) REFERENCES a (id)", "sqlite", (("a_id",), "a", ("id",))),
        (
            'CONSTRAINT "fk REFERENCES x" FOREIGN KEY("A b", c) REFERENCES "Sch"."T(1)" ("x"")", y)',
            "postgresql",
            (("A b", "c"), "Sch.T(1)", ('x")', "y")),
        ),
        ("FOREIGN KEY(`a`) REFERENCES other.`b c` (`id`)", "mysql", (("a",), "other.b c", ("id",))),
        ("FOREIGN KEY(a) REFERENCES there.id ON DELETE SET NULL", "sqlite", (("a",), "there", ("id",))),
        ("FOREIGN KEY(a) REFERENCES b", "sqlite", None),
        ("CHECK (a > 0)", "sqlite", None),
    ],
)
def test_references(
    ddl: str, dialect: str, expected: tuple[tuple[str, ...], str, tuple[str, ...]] | None
) -> None:
    found = reference(ddl, dialect)
    wanted = Reference(columns=expected[0], table=expected[1], to=expected[2]) if expected else None
    assert found == wanted


def test_the_columns_of_a_key() -> None:
    assert key_columns('CONSTRAINT "pk (x)" PRIMARY KEY (a, "B c")', "postgresql") == ("a", "B c")
    assert key_columns("UNIQUE", "sqlite") == ()

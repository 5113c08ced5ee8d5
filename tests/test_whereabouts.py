"""Where in the models a change stands."""

from __future__ import annotations

import pytest

from gitmig.core.locations import place_of
from gitmig.core.schema.facets import FacetChange, FacetKey

USER = '''\
class Base(DeclarativeBase):
    """user"""


class User(Base):
    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    name = Column("full_name", String)


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
'''
OTHER = """\
link = Table(
    "link", metadata,
    Column("id", Integer),
)
tag = sa.Table("tag", metadata, Column("id", Integer), schema="other")
"""
TEXTS = {"app/a.py": USER, "app/b.py": OTHER}


@pytest.mark.parametrize(
    ("kind", "table", "name", "place"),
    [
        ("column", "user", "id", ("app/a.py", 8)),
        ("column", "user", "full_name", ("app/a.py", 9)),
        ("column", "user", "gone", ("app/a.py", 6)),
        ("column", "post", "id", ("app/a.py", 14)),
        ("column", "post", "full_name", ("app/a.py", 13)),
        ("index", "post", "ix", ("app/a.py", 13)),
        ("column", "link", "id", ("app/b.py", 3)),
        ("table", "other.tag", "", ("app/b.py", 5)),
        ("table", "nowhere", "", ("app/a.py", None)),
        ("sequence", "", "user", ("app/a.py", None)),
    ],
)
def test_a_place(kind: str, table: str, name: str, place: tuple[str, int | None]) -> None:
    change = FacetChange(FacetKey(kind, table, name), None, "x")
    assert place_of([change], TEXTS) == place
    nowhere = FacetChange(FacetKey("enum", "", "mood"), None, "x")
    assert place_of([nowhere, change], TEXTS) == place


def test_no_files() -> None:
    assert place_of([], {}) is None

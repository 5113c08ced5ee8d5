"""``gitmig.protected``: databases in which nothing is undone unless they are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitmig.moving.consent import matches
from tests.articles import EMAIL, article


@pytest.mark.parametrize(
    ("pattern", "database", "expected"),
    [
        ("db.example.com/shop", "postgresql://db.example.com:5432/shop", True),
        ("DB.Example.com/*", "postgresql+psycopg2://db.example.com/shop", True),
        ("*.example.com/shop", "mysql+pymysql://db.example.com/shop", True),
        ("db.example.com:5432/shop", "postgresql://db.example.com:5432/shop", True),
        ("db.example.com:5433/shop", "postgresql://db.example.com:5432/shop", False),
        ("db.example.com/shop", "postgresql://db.example.com/shop_test", False),
        ("db.example.com", "postgresql://db.example.com/shop", True),
        ("shop", "postgresql://db.example.com/shop", True),
        ("example.com", "postgresql://db.example.com/shop", False),
        ("localhost/shop", "postgresql:///shop", True),
        ("localhost/shop", "postgresql:///var/run/postgresql/shop", True),
        ("/var/run/postgresql/*", "postgresql:///var/run/postgresql/shop", True),
        ("[::1]/shop", "postgresql://[::1]:5432/shop", True),
        ("*", "sqlite:///app.db", True),
        ("app.db", "sqlite:///app.db", True),
        ("/work/shop/app.db", "sqlite:///app.db", True),
        ("/work/*", "sqlite:////work/shop/app.db", True),
        ("/work/*/other.db", "sqlite:///app.db", False),
        ("/work/*", "sqlite://", False),
    ],
)
def test_patterns(pattern: str, database: str, expected: bool) -> None:
    assert matches(pattern, database, Path("/work/shop")) is expected


def test_nothing_is_undone_in_a_protected_database_that_is_not_named(tmp_path: Path) -> None:
    told = article(tmp_path)
    project = told.project
    project.git("config", "--add", "gitmig.protected", "db.example.com/*")
    project.git("config", "--add", "gitmig.protected", str(project.top / "*.db"))
    project.git("branch", "below", told.first_commit)
    error = "sqlite:///app.db is protected: nothing is undone in it without --yes and its name"
    before = project.snapshot()
    for words, hint in (
        (("rollback", "-1", "--yes"), "gitmig rollback -1 --yes --database app.db"),
        (("sync", "below", "--database", "app.db"), "gitmig sync below --database app.db --yes"),
        (("switch", "below"), "gitmig switch below --yes --database app.db"),
    ):
        assert project.gitmig(*words, check=1).stderr == f"Error: {error}\nHint: {hint}\n"
    said = project.gitmig("sync", "--yes", "--database", "shop", check=1).stderr
    assert said == "Error: the database is sqlite:///app.db, and not shop\nHint: gitmig status\n"
    (warning,) = project.gitmig("sync", "below", "--dry-run", "--json", check=0).json["warnings"]
    assert warning == "sqlite:///app.db is protected: undoing takes --yes and --database app.db"
    assert project.snapshot() == before
    # Amending is undoing too; up is no matter of protection.
    project.append("app/models.py", EMAIL)
    amended = project.gitmig("revise", "--amend", "--yes", "--json", check=1).json["error"]
    assert (amended["message"], amended["hint"]) == (error, "gitmig revise -m MESSAGE, for another revision")
    project.git("restore", "app/models.py")
    project.gitmig("switch", "below", "--yes", "--database", "sqlite:///app.db", check=0)
    assert project.heads() == (told.first,)
    project.gitmig("sync", "main", check=0)
    assert project.heads() == (told.second,)

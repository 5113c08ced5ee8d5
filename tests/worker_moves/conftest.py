"""Projects for the worker's tests, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.worker_moves.child import Project

Make = Callable[..., Project]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes projects and ends their workers."""
    made: list[Project] = []

    def project(url: str | None = None, **options: str) -> Project:
        top = tmp_path / f"project{len(made)}"
        top.mkdir()
        made.append(Project.make(top, url or f"sqlite:///{top}/test.db", **options))
        return made[-1]

    yield project
    for one in made:
        for child in one.children:
            child.close()


@pytest.fixture
def project(make: Make) -> Project:
    """A project on an SQLite file that is not there yet."""
    return make()


@pytest.fixture
def both(make: Make, database_url: str) -> Project:
    """A project on each of the databases that must work everywhere."""
    return make(database_url)

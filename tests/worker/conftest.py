"""Projects for the tests of the worker's reading half."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.driver import FILES, Project


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Project]:
    """An empty folder."""
    top = tmp_path / "project"
    top.mkdir()
    made = Project(top)
    yield made
    for child in made.children:
        if child.process.returncode is None:
            child.process.kill()
            child.process.communicate()


@pytest.fixture
def project(bare: Project) -> Project:
    """A small project: one table, ``user``."""
    bare.write(FILES)
    return bare

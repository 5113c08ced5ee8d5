"""A huge untracked file among the models: no command reads it, commits it or takes it away."""

from __future__ import annotations

import os
from pathlib import Path

from tests.story import SETTINGS, USERNAME, Project

TERABYTE = 1 << 40
"""To read as much takes longer than a test may, though the file is one hole."""


def test_it_is_left_alone(tmp_path: Path) -> None:
    project = Project.create(tmp_path, settings=SETTINGS.replace('"app/models.py"', '"app"'))
    assert 'models = ["app"]' in project.read("pyproject.toml")
    project.write("app/dump.bin", "")
    os.truncate(project.path("app/dump.bin"), TERABYTE)
    project.gitmig("revise", "-y", "-m", "First", check=0)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-y", "-m", "Add username", check=0)
    project.gitmig("check", check=0)
    project.gitmig("status", check=0)
    project.gitmig("rollback", "-y", check=0)
    project.gitmig("upgrade", "-y", check=0)
    project.gitmig("switch", "-c", "other", check=0)
    assert project.git("status", "--porcelain").splitlines() == ["?? app/dump.bin"]
    assert project.path("app/dump.bin").stat().st_size == TERABYTE

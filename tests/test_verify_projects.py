"""``gitmig verify`` and ``gitmig drift`` find nothing where nothing is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.story import Project
from tests.support.lanes import by_day
from tests.test_projects import PROJECTS, add_column, committed, first

_NAMES = sorted(path.name for path in PROJECTS.iterdir() if path.is_dir())
_SEVERAL = "several_databases"


def second(project: Project) -> None:
    """A second revision, and both committed."""
    add_column(project)
    project.gitmig("revise", "-m", "E-mail", check=0)


@pytest.mark.parametrize("name", by_day([name for name in _NAMES if name != _SEVERAL], number=0, of=4))
def test_nothing_is_found(tmp_path: Path, name: str) -> None:
    project = committed(tmp_path, name)
    first(project)
    second(project)
    answer = project.gitmig("verify", "--json", check=0).json
    assert answer["findings"] == []
    assert answer["counts"]["verified"] == 2
    assert project.gitmig("drift", "--json", check=0).json["findings"] == []


def test_an_env_py_for_several_databases_is_not_verified(tmp_path: Path) -> None:
    project = committed(tmp_path, _SEVERAL)
    first(project)
    answer = project.gitmig("verify", "--json", check=0).json
    assert answer["counts"]["unproven"] == 1
    assert [finding["code"] for finding in answer["findings"]] == ["GM007"]


def test_nothing_is_found_in_the_example(tmp_path: Path) -> None:
    """This repository's own example, with its history."""
    top = Path(__file__).resolve().parent.parent
    project = Project(tmp_path / "example")
    if Project(top).try_git("rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        pytest.skip("this is no clone with its history")
    Project(tmp_path).git("clone", "--quiet", str(top), "example")
    assert project.gitmig("verify", check=0).stderr.endswith(" verified on sqlite\n")

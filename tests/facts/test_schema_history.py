"""The schemas of old models are kept as soon as they are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitmig.facts.schema_history import SchemaHistory
from gitmig.project.opening import open_project
from gitmig.project.project import ProjectOptions
from gitmig.wire.values import CommitId
from tests.articles import article


def test_who_interrupts_it_keeps_what_was_imported(tmp_path: Path) -> None:
    told = article(tmp_path)
    commits = [CommitId(one) for one in (told.first_commit, told.second_commit)]
    project = open_project(ProjectOptions(directory=told.project.top))
    try:

        def impatient(done: int, whole: int) -> None:
            if done:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            SchemaHistory(project, project.graph(), impatient).learn_commits(commits)
        heard: list[tuple[int, int]] = []
        again = SchemaHistory(project, project.graph(), lambda done, whole: heard.append((done, whole)))
        again.learn_commits(commits)
        assert heard == []
        assert all(again.of_commit(commit) is not None for commit in commits)
    finally:
        project.git.close()

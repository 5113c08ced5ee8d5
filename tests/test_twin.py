"""Two versions of the models at once: the second worker is forked from the first."""

from __future__ import annotations

import fcntl
import os
import signal
import termios
import time
from pathlib import Path

import pytest

from gitmig.errors import WorkerCrashed
from gitmig.project.opening import open_project
from gitmig.project.project import ProjectOptions
from gitmig.rpc import fork
from gitmig.wire.values import CommitId
from tests.articles import EMAIL, Article, article


@pytest.fixture
def told(tmp_path: Path) -> Article:
    return article(tmp_path)


def test_each_imports_from_its_own_tree(told: Article) -> None:
    project = open_project(ProjectOptions(directory=told.project.top))
    trees = [project.commit_tree(CommitId(id)) for id in (told.second_commit, told.first_commit)]
    workers = project.workers.start_all(trees)
    assert [worker.is_twin for worker in workers] == [False, True]
    process = workers[1].process
    assert isinstance(process, fork.ForkedWorker)
    workers[1].begin_schema()
    found = [sorted(key.name for key in worker.schema().schema.facets) for worker in workers]
    assert ["username" in names for names in found] == [True, False]
    for worker in reversed(workers):
        worker.close()
    project.git.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_one_that_is_lost_is_made_anew(told: Article) -> None:
    """What ends the fork of a process need not end a process."""
    flag = told.project.top.parent / "flag"
    text = told.project.read("app/models.py")
    ends = (
        f"import os\nif not os.path.exists({str(flag)!r}):\n    open({str(flag)!r}, 'w')\n    os._exit(7)\n"
    )
    told.project.write("app/models.py", text.replace('"""The models."""\n', f'"""The models."""\n\n{ends}'))
    told.project.git("commit", "-qam", "Ends the process once")
    told.project.write("app/models.py", text + EMAIL)
    told.project.git("add", "--all")
    said = told.project.gitmig("check", "--staged", "--json", check=1)
    assert said.json["findings"][0]["details"] == ["+ user.email VARCHAR"]
    assert flag.exists()


def test_one_that_is_killed_before_it_reads(told: Article) -> None:
    """Its end of the line is reset then, not closed."""
    project = open_project(ProjectOptions(directory=told.project.top))
    trees = [project.commit_tree(CommitId(id)) for id in (told.second_commit, told.first_commit)]
    first, second = project.workers.start_all(trees)
    process = second.process
    assert isinstance(process, fork.ForkedWorker)
    os.kill(process.pid, signal.SIGSTOP)
    second.begin_schema()
    while not fcntl.ioctl(process.stdin._connection, termios.TIOCOUTQ, bytes(4)).strip(b"\0"):
        time.sleep(0.01)
    process.kill()
    with pytest.raises(WorkerCrashed):
        second.schema()
    for worker in (second, first):
        worker.close()
    project.git.close()


def test_where_nobody_calls_back_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As from inside of a container."""
    monkeypatch.setattr(fork, "_SECONDS", 0.01)
    asked: list[str] = []

    def told(address: str) -> bool:
        asked.append(address)
        return True

    assert fork.fork(told) is None
    assert fork.fork(lambda address: False) is None
    assert asked[0].startswith("\0"), "it is a file"

"""Temporary folders: gone with their owner, or with the next command if that was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gitmig.git.repository import Repository
from gitmig.git.temporary import TemporaryFolder, delete_abandoned, temporary_folder

_OWNER = """
import os, signal, subprocess, sys
from pathlib import Path
from gitmig.git.temporary import TemporaryFolder

folder = TemporaryFolder(Path(sys.argv[1]))
(folder.path / "deep").mkdir()
(folder.path / "deep/index").write_text("x", encoding="utf-8")
print(folder.path, flush=True)
if sys.argv[2:]:
    subprocess.Popen(sys.argv[2:], pass_fds=[folder.handle], stdout=subprocess.DEVNULL)
os.kill(os.getpid(), signal.SIGKILL)
"""


def abandoned(place: Path, *child: str) -> Path:
    """A folder whose owner was killed, but for a ``child`` that has inherited its lock."""
    command = [sys.executable, "-P", "-c", _OWNER, str(place), *child]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    return Path(done.stdout.strip())


def test_it_is_gone_when_it_is_closed(tmp_path: Path) -> None:
    folder = TemporaryFolder(tmp_path / "private")
    (folder.path / "index.lock").write_text("x", encoding="utf-8")
    folder.close()
    folder.close()
    assert list(tmp_path.iterdir()) == []


def test_the_next_one_deletes_what_the_killed_left_and_nothing_else(tmp_path: Path) -> None:
    left, mine = abandoned(tmp_path), TemporaryFolder(tmp_path)
    assert left.name.startswith("gitmig-tmp-")
    assert not left.exists()
    (tmp_path / "notes").write_text("x", encoding="utf-8")
    (tmp_path / "gitmig-tmp-half").mkdir()
    another = TemporaryFolder(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([mine.path, another.path, tmp_path / "notes"])
    for folder in (mine, another):
        folder.close()
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_what_a_living_child_has_inherited_stays(tmp_path: Path) -> None:
    go = tmp_path / "go"
    left = abandoned(tmp_path / "private", "sh", "-c", f"while [ ! -e {go} ]; do sleep 0.05; done")
    delete_abandoned(tmp_path / "private")
    assert (left / "deep/index").exists()
    go.touch()
    while left.exists():
        delete_abandoned(tmp_path / "private")


def test_a_repository_that_cannot_be_written_to(repository: Repository) -> None:
    (repository.git_dir / "gitmig").write_text("in the way", encoding="utf-8")
    folder = repository.runner.temporary()
    assert folder.parent != repository.private()
    repository.close()
    assert not folder.exists()


def test_those_in_the_systems_folder_go_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "system"))
    (tmp_path / "system").mkdir()
    abandoned(tmp_path / "system")
    with temporary_folder() as mine:
        assert list((tmp_path / "system").iterdir()) == [mine.path]
    assert list((tmp_path / "system").iterdir()) == []
    abandoned(tmp_path / "system")
    delete_abandoned(tmp_path / "private")
    assert list((tmp_path / "system").iterdir()) == []

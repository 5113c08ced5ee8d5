"""The worker is started before anything else, if it is plain which one, and whose repository it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitmig.cli.main import run
from gitmig.git.repository import Repository
from gitmig.rpc import early, launch
from tests.story import Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project whose folder is the current one."""
    made = Project.create(tmp_path)
    monkeypatch.chdir(made.top)
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GITMIG_PYTHON", raising=False)
    yield made
    early.discard()


def test_the_one_that_the_command_wants(project: Project) -> None:
    early.begin(["status"])
    (started,) = early.waiting
    repository = Repository.discover(project.top)
    assert repository is not None
    command = launch.interpreter_of(repository, project.top).command
    assert launch.start(command, project.top) is started
    assert not early.waiting
    early.end(started)
    assert started.process.poll() is not None


def test_in_a_folder_below(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("app")
    early.begin(["upgrade"])
    assert [started.directory for started in early.waiting] == [str(project.top)]


def test_git_is_not_asked_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.git("config", "gitmig.x", "one")
    project.git("config", "--add", "gitmig.x", "two")
    early.begin(["status"])
    monkeypatch.setenv("PATH", "")
    repository = launch.discover(project.top)
    assert repository is not None
    assert repository.top == project.top
    assert repository.common_dir == project.top / ".git"
    assert repository.config_all("gitmig.x") == ("one", "two")


@pytest.mark.parametrize(
    "arguments", [[], ["log"], ["--help"], ["status", "-C", "app"], ["status", "--help"], ["hook", "install"]]
)
def test_other_commands(project: Project, arguments: list[str]) -> None:
    early.begin(arguments)
    assert not early.waiting


@pytest.mark.parametrize("name", ["GITMIG_PYTHON", "GIT_DIR", "GIT_WORK_TREE"])
def test_what_names_another(project: Project, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, str(project.top))
    early.begin(["status"])
    assert not early.waiting


def test_a_configured_interpreter(project: Project) -> None:
    project.git("config", "gitmig.python", "/nowhere/python")
    early.begin(["status"])
    assert not early.waiting


def test_somebody_elses_repository(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in its .venv is not started."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    program = project.path(".venv/bin/python")
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\ntouch started\n")
    program.chmod(0o755)
    early.begin(["status"])
    assert not early.waiting
    assert not project.path("started").exists()


def test_outside_of_the_repository_of_the_configuration(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alembic.ini above the repository is none of its."""
    inner = project.path("inner")
    inner.mkdir()
    monkeypatch.chdir(inner)
    project.git("init", "--quiet", str(inner))
    early.begin(["status"])
    assert not early.waiting


def test_a_mistake_ends_it(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    started: list[early.Started] = []
    early.begin(["status"])
    started += early.waiting
    early.answers.clear()
    assert run(["status", "--nonsense"]) == 2
    assert "no such option" in capsys.readouterr().err
    assert not early.waiting
    with pytest.raises(ProcessLookupError):
        os.kill(started[0].process.pid, 0)

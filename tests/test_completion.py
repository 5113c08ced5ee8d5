"""Completion: what is offered, and that real shells offer it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests import terminal
from tests.environments.projects import repository, service
from tests.story import Project

_ECHO = "\x01echo "
"""Goes to the beginning of the line: the shell shows what stands there instead of running it."""


@pytest.fixture
def revised(project: Project) -> Project:
    """Three revisions, a branch and a tag."""
    for name, parent, title in (("a1a1", "None", "First"), ("b2b2", "'a1a1'", "Second: more")):
        project.write(
            f"alembic/versions/{name}.py",
            f'"""{title}"""\nrevision = "{name}"\ndown_revision = {parent}\n'
            f"branch_labels = {['core'] if name == 'b2b2' else None}\n",
        )
    project.commit("Two revisions")
    project.git("branch", "feature")
    project.git("tag", "v1.0")
    project.git("update-ref", "refs/remotes/origin/topic", "HEAD")
    project.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/topic")
    return project


def offered(project: Project, line: str, shell: str = "fish", *part: str) -> list[str]:
    """What Tab offers at the end of a line."""
    result = project.gitmig("--complete", shell, line, *part, check=0)
    assert result.stderr == ""
    return result.stdout.splitlines()


def words(project: Project, line: str) -> list[str]:
    return [one.partition("\t")[0] for one in offered(project, line)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gitmig sh", ["show"]),
        ("gitmig hook ", ["install", "uninstall", "status"]),
        ("gitmig --vers", ["--version"]),
        ("gitmig squash --pub", ["--published"]),
        ("gitmig status --de", ["--debug"]),
        ("gitmig diff --format m", ["markdown"]),
        ("gitmig log --format=j", ["--format=json"]),
        ("gitmig show ", ["head", "base", "core@head", "b2b2", "a1a1"]),
        ("gitmig show a", ["a1a1"]),
        ("gitmig show a1a1 ", []),
        ("gitmig upgrade ", ["heads", "+1", "head", "base", "core@head", "b2b2", "a1a1"]),
        ("gitmig rollback -1", ["-1"]),
        ("gitmig -C . rollback --wait 3 b", ["base", "b2b2"]),
        ("gitmig squash a1a1..b", ["a1a1..b2b2"]),
        ("gitmig switch ", ["feature", "main", "v1.0", "topic"]),
        ("gitmig check --base ", ["feature", "main", "v1.0", "origin/topic"]),
        ("gitmig rebase --onto=o", ["--onto=origin/topic"]),
        ("gitmig diff main f", ["feature"]),
        ("gitmig diff d", ["db"]),
        ("gitmig -e ", ["alembic"]),
        ("gitmig lock -- alembic up", []),
        ("gitmig nothing-of-ours ", []),
        ("gitmig show 'a", []),
    ],
)
def test_what_is_offered(revised: Project, line: str, expected: list[str]) -> None:
    assert words(revised, line) == expected


def test_meanings_and_each_shells_way_to_write_them(revised: Project) -> None:
    assert offered(revised, "gitmig show b2") == ["b2b2\tSecond: more"]
    assert offered(revised, "gitmig show b2", "zsh") == ["b2b2:Second: more"]
    assert offered(revised, "gitmig diff ", "zsh")[1] == "\\::the index"
    # To bash what stands before is another word.
    assert offered(revised, "gitmig show core@h", "bash", "@h") == ["@head"]
    assert offered(revised, "gitmig rebase --onto=o", "bash", "o") == ["origin/topic"]


def test_environments(tmp_path: Path) -> None:
    monorepo = repository(tmp_path / "shop")
    service(monorepo, "accounts", "User")
    service(monorepo, "billing", "Invoice")
    monorepo.commit("Start")
    assert words(monorepo, "gitmig status -e ") == ["accounts", "billing"]
    assert words(monorepo, "gitmig -C accounts -e b") == ["billing"]


def test_what_is_broken_offers_what_it_can(revised: Project, tmp_path: Path) -> None:
    revised.write("alembic/versions/a1a1.py", "revision = (\n")
    revised.write("alembic/versions/c3c3.py", 'revision = "c3c3"\ndown_revision = "nowhere"\n')
    revised.write("alembic/versions/c4c4.py", 'revision = "c3c3"\ndown_revision = "c3c3"\n')
    assert "b2b2" in words(revised, "gitmig show ")
    revised.write("pyproject.toml", "[tool.gitmig\n")
    assert words(revised, "gitmig show ") == ["head", "base"]
    assert words(revised, "gitmig switch f") == ["feature"]
    revised.write(".git/HEAD", "nonsense")
    assert words(revised, "gitmig switch ") == []
    assert words(revised, "gitmig upg") == ["upgrade"]
    assert words(revised, "gitmig -C /nowhere show ") == ["head", "base"]


def test_it_runs_nothing_of_the_project_and_leaves_nothing(revised: Project) -> None:
    revised.append("alembic/env.py", "open('ran', 'w')\n")
    revised.append("app/models.py", "open('ran', 'w')\n")
    before = revised.snapshot()
    for line in ("gitmig show ", "gitmig switch ", "gitmig diff ", "gitmig -e "):
        offered(revised, line)
    assert revised.snapshot() == before


SHELLS = {
    "bash": (["bash", "--norc", "-i"], ".bashrc"),
    "zsh": (["zsh", "-i"], ".zshrc"),
    "fish": (["fish", "-i"], None),
}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_real_shell(revised: Project, shell: str) -> None:
    if shutil.which(shell) is None:
        if os.environ.get("CI"):
            pytest.fail(f"no {shell}", pytrace=False)
        pytest.skip(f"not run: no {shell}")
    command, settings = SHELLS[shell]
    environment = revised.environment({"SHELL": f"/bin/{shell}", "TERM": "xterm"})
    home = Path(environment["HOME"])
    if settings is not None:
        (home / settings).write_text("PS1='ready> '; bindkey -e 2>/dev/null")
    installed = revised.gitmig("--install-completion", env={"SHELL": f"/bin/{shell}"}, check=0).stdout
    again = revised.gitmig("--install-completion", shell, check=0).stdout
    assert len(installed.splitlines()) == (2 if settings is None else 3)
    assert len(again.splitlines()) == 2
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    if shell == "bash":
        command = ["bash", "--rcfile", str(home / ".bashrc"), "-i"]
    if shell == "fish":
        (home / ".config/fish/config.fish").write_text(
            "function fish_prompt; echo 'ready> '; end; set fish_greeting"
        )
    typed = {
        "gitmig rollb\t": "gitmig rollback",
        "gitmig rollback a1\t": "gitmig rollback a1a1",
        "gitmig show core@\t": "gitmig show core@head",
        "gitmig switch fea\t": "gitmig switch feature",
        "gitmig check --base=v\t": "gitmig check --base=v1.0",
        "gitmig status -e alem\t": "gitmig status -e alembic",
        "echo x | gitmig -C . sho\t": "echo x | gitmig -C . show",
        "gitmig init --config alembic.i\t": "gitmig init --config alembic.ini",
    }
    answers: list[terminal.Answer] = []
    for line in typed:
        answers.append(("ready> ", f"{line}{_ECHO}"))
    answers.append(("ready> ", "exit"))
    code, screen = terminal.run(command, cwd=revised.top, env=environment, answers=answers, timeout=120)
    assert code == 0, screen
    for line, whole in typed.items():
        assert whole in screen.replace("\r", ""), (line, screen)


def test_what_is_installed_can_be_shown(revised: Project) -> None:
    for shell in SHELLS:
        text = revised.gitmig("--show-completion", shell, check=0).stdout
        assert f"--complete {shell}" in text


def test_another_shell(revised: Project) -> None:
    result = revised.gitmig("--install-completion", "tcsh", check=2)
    assert result.stderr == (
        "Error: no completion for the shell 'tcsh'\nHint: gitmig --install-completion bash, or zsh, or fish\n"
    )


def test_settings_of_a_person_stay(revised: Project) -> None:
    home = Path(revised.environment()["HOME"])
    (home / ".bashrc").write_bytes(b"# \xff mine")
    revised.gitmig("--install-completion", "bash", check=0)
    revised.gitmig("--install-completion", "bash", check=0)
    lines = (home / ".bashrc").read_bytes().splitlines()
    assert lines[0] == b"# \xff mine"
    assert len(lines) == 2

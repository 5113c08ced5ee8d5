"""What comes from arguments, a repository or a database runs nothing and moves no terminal's cursor."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from tests import database
from tests.articles import plain
from tests.bad import FIRST, SECOND, script, with_two_revisions
from tests.story import Project, Result

PWN = "touch pwned"
ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e\x9b31m"
"""Sets the title of a terminal, clears it, turns the direction of what follows."""
REFS = (
    f"--upload-pack={PWN}",
    "--output=pwned",
    "-rf",
    "HEAD\nHEAD",
    f"$({PWN})",
    f"`{PWN}`",
    f"; {PWN}",
    f"{ESCAPE}",
)


def harmless(project: Project, said: Result, codes: tuple[int, ...] = (0, 1, 2)) -> str:
    """Nothing ran, nothing crashed, and nothing that a terminal obeys was printed."""
    text = said.stdout + said.stderr
    assert said.exit_code in codes, text
    assert not list(project.top.parent.rglob("pwned"))
    assert not [char for char in text if not char.isprintable() and char not in "\n\t"], text
    assert "gitmig itself failed" not in text
    return text


def test_arguments(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    before = project.snapshot()
    for ref in (REFS[0], REFS[2], REFS[3], REFS[7]):
        said = harmless(project, project.gitmig("check", "--", ref), (1, 2))
        assert "there is no commit" in said
    for ref in REFS[:2]:
        assert "there is no commit" in harmless(project, project.gitmig("check", f"--base={ref}"), (1, 2))
    for command, target in (("upgrade", REFS[0]), ("upgrade", REFS[7]), ("rollback", REFS[3])):
        assert "Error: " in harmless(project, project.gitmig(command, "--", target), (1, 2))
    for command in ("switch", "sync"):
        for ref in (REFS[0], REFS[2], REFS[3], REFS[7]):
            assert "Error: " in harmless(project, project.gitmig(command, "--", ref), (1, 2))
    for name in (f"-c{REFS[0]}", f"-c{REFS[2]}", f"-c{REFS[7]}"):
        assert "is no name for a branch" in harmless(project, project.gitmig("switch", name), (1, 2))
    for words in (["-C", REFS[0]], ["--config", REFS[6]], ["--name", REFS[7]], ["--url-env", REFS[4]]):
        harmless(project, project.gitmig(*words, "status"), (1, 2))
    assert project.snapshot() == before


def test_the_message_of_a_revision(tmp_path: Path) -> None:
    """It goes into a file name, a docstring, a commit and every list of revisions."""
    project = with_two_revisions(tmp_path)
    message = f'--author=x """; import os; os.system("{PWN}") # \\\n$({PWN}) {ESCAPE} ../../pwned'
    project.append("app/models.py", "    zip: Mapped[str | None] = mapped_column(String)\n")
    harmless(project, project.gitmig("revise", "-m", message), (0,))
    (path,) = set(project.top.glob("alembic/versions/*.py")) - {
        project.path(script(project, revision)) for revision in (FIRST, SECOND)
    }
    module = ast.parse(path.read_text())
    docstring = ast.get_docstring(module, clean=False) or ""
    assert docstring.startswith(message)
    assert [node for node in module.body if isinstance(node, ast.Expr)] == module.body[:1]
    for words in (["status"], ["log"], ["rollback", "--yes"], ["upgrade"], ["log", "--json"]):
        harmless(project, project.gitmig(*words), (0,))
    assert len(project.git("log", "--format=%s").splitlines()) == 4


def test_words_between_colons_stay_words(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    project.append("app/models.py", "    zip: Mapped[str | None] = mapped_column(String)\n")
    message = "Add :key: and [bold]zip[/bold]"
    for words in (["revise", "-m", message], ["status"], ["log"]):
        assert message in project.gitmig(*words, check=0).stdout
    assert message in project.on_terminal("log", check=0).stdout


def test_a_hostile_repository(tmp_path: Path) -> None:
    """Branches, refs, folders of models and revisions with the names that shells and git would obey."""
    project = with_two_revisions(tmp_path)
    for name in (f"--upload-pack={PWN}".replace(" ", "${IFS}"), "-x", "$(touch${IFS}pwned)", "a\u2028b\x85c"):
        for space in ("heads", "tags", "remotes/origin"):
            project.git("update-ref", f"refs/{space}/{name}", "HEAD")
    project.git("symbolic-ref", "HEAD", "refs/heads/--upload-pack=touch${IFS}pwned")
    folder = f"app/-o $({PWN})\n{ESCAPE}"
    project.write(f"{folder}/x.py", "")
    project.write("pyproject.toml", "[tool.gitmig]\nmodels = ['app']\npublished = ['--output=pwned']\n")
    revision = f'$({PWN})`{PWN}`{ESCAPE}"'
    table = f"t{ESCAPE}"
    up, down = f"op.create_table({table!r}, sa.Column('id', sa.Integer))", f"op.drop_table({table!r})"
    made = plain(project, "cccc", SECOND, up=up, down=down, message=f"{ESCAPE} [bold]x[/bold] ::error::")
    text = project.read(made).replace("'cccc'", repr(revision)).replace('"cccc"', repr(revision))
    project.path(made).unlink()
    project.write(f"alembic/versions/-rf $({PWN}) {ESCAPE}.py", text)
    project.commit(f"-m {ESCAPE}")
    looking = (
        ["status"],
        ["log"],
        ["check"],
        ["check", "--base=HEAD~1"],
        ["check", "HEAD", "--format=github"],
    )
    for words in (*looking, ["upgrade", "--dry-run"], ["upgrade"]):
        harmless(project, project.gitmig(*words))
    assert project.heads() == (revision,)
    database.execute(project.url, f'insert into "{table}" values (1)')
    assert "GM020" in harmless(project, project.gitmig("rollback", "--dry-run"))
    for words in (["status", "--json"], ["rollback", "--yes"], ["log"]):
        harmless(project, project.gitmig(*words))
    assert project.heads() == (SECOND,)
    for words in (["rollback", "--commit", "--yes"], ["hook", "install"]):
        harmless(project, project.gitmig(*words), (0,))
    assert project.heads() == (FIRST,)


def test_what_runs_nothing_of_the_project(tmp_path: Path) -> None:
    """docs/safety.md says which commands these are."""
    project = with_two_revisions(tmp_path)
    code = "open('pwned', 'w').close()\n"
    for path in ("app/models.py", "app/__init__.py", "alembic/env.py", script(project, SECOND)):
        project.append(path, code)
    project.write(".venv/bin/python", f"#!/bin/sh\n{PWN}\n")
    project.path(".venv/bin/python").chmod(0o755)
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "Traps")
    project.write("notes.md", "nothing that matters")
    project.git("add", "notes.md")
    for words in (["log"], ["log", "--json"], ["recover"], ["--version"], ["check", "--help"]):
        harmless(project, project.gitmig(*words), (0,))
    for words in (["hook", "install"], ["hook", "status"], ["hook", "uninstall"], ["check", "--staged"]):
        harmless(project, project.gitmig(*words), (0,))
    project.gitmig("check")
    assert project.path("pwned").exists()


def test_a_repository_of_somebody_else_that_is_trusted(tmp_path: Path) -> None:
    """As CI does it: in the environment."""
    if os.geteuid() != 0:
        pytest.fail("only root can give a folder to somebody else")
    project = with_two_revisions(tmp_path)
    for path in (project.top, project.path(".git")):
        os.chown(path, 65534, 65534)
    said = project.gitmig("status")
    assert (said.exit_code, "dubious ownership" in said.stderr) == (1, True)
    trusted = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": str(project.top),
    }
    for words in (["status"], ["rollback", "--yes"], ["upgrade"], ["check", "HEAD"]):
        project.gitmig(*words, env=trusted, check=0)


DEEP = {
    "brackets": "x = " + "[" * 5000 + "]" * 5000,
    "signs": "x = " + "-" * 20_000 + "1",
    "sums": "x = " + "1+" * 20_000 + "1",
    "attributes": "x = a" + ".b" * 20_000,
    "calls": "x = a" + "()" * 20_000,
    "blocks": "".join(" " * depth + "if 1:\n" for depth in range(99)) + " " * 99 + "pass",
    "lambdas": "x = " + "lambda: " * 20_000 + "1",
    "strings": "x = " + "f'{" * 3000,
    "null bytes": "x = '\0'",
}


def test_files_that_are_too_much_for_the_parser(tmp_path: Path) -> None:
    """GM006 for revisions, and an error of the project's own code for models; never a crash."""
    project = with_two_revisions(tmp_path)
    names = {kind: f"alembic/versions/{number}_deep.py" for number, kind in enumerate(DEEP)}
    for kind, path in names.items():
        project.write(path, f"revision = '{kind[:4]}'\ndown_revision = '{SECOND}'\n{DEEP[kind]}\n")
    said = project.gitmig("check", "--json", check=1)
    found = {finding["path"]: finding["code"] for finding in said.json["findings"] if finding["path"]}
    harmless(project, said)
    read = {"blocks"}
    assert {kind for kind, path in names.items() if found.get(path) != "GM006"} <= read
    for words in (["status"], ["log"], ["upgrade"]):
        harmless(project, project.gitmig(*words), (0, 1))
    for path in names.values():
        project.path(path).unlink()
    for kind in ("attributes", "null bytes"):
        project.write("app/models.py", DEEP[kind])
        assert "Error: " in harmless(project, project.gitmig("check"), (2,))
    harmless(project, project.gitmig("init", "--dry-run"))

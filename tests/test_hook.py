"""``gitmig hook``: ours goes in and out byte for byte, and what was there first still runs."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.framework import on_path
from tests.story import MODELS, USERNAME, Project, Result

ROOM = ".git/hooks/pre-commit"

# Each passes when it runs; the ways to end are those that would skip whatever is appended.
ENDINGS = {
    "nothing": "#!/bin/sh\necho checked >> ran.txt\n",
    "exit 0": "#!/bin/sh\necho checked >> ran.txt\nexit 0\n",
    "exec": '#!/bin/sh\necho checked >> ran.txt\nexec test "$#" = 0\n',
    "bash": "#!/usr/bin/env bash\nset -euo pipefail\necho checked >> ran.txt\nexit 0\n",
    "flags": "#!/bin/sh -eu\necho checked >> ran.txt\n",
    "no newline at the end": "#!/bin/sh\necho checked >> ran.txt\nexit 0",
    "not utf-8": "#!/bin/sh\n# caf\udce9\necho checked >> ran.txt\n",
}


@pytest.fixture
def revised(project: Project) -> Project:
    """A project at its first revision, with a change of the models that no revision has."""
    project.gitmig("revise", "-m", "First revision", check=0)
    project.write(".gitignore", project.read(".gitignore") + "/ran.txt\n")
    project.commit("Ignore")
    project.append("app/models.py", USERNAME)
    return project


def hook(project: Project, text: str, mode: int = 0o755) -> Path:
    """Write a pre-commit hook."""
    path = project.path(ROOM)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    path.chmod(mode)
    return path


def everything(project: Project) -> dict[str, tuple[int, bytes]]:
    """Every file of the repository and its work tree, with its mode."""
    files = (path for path in project.top.rglob("*") if path.is_file())
    return {
        path.relative_to(project.top).as_posix(): (path.stat().st_mode, path.read_bytes()) for path in files
    }


def commit(project: Project, *args: str) -> Result:
    """Try to commit the models."""
    return project.try_git("commit", "--quiet", "-m", "The models", *(args or ("app/models.py",)))


class TestInstall:
    """The native hook."""

    def test_it_blocks_and_is_gone_again(self, revised: Project) -> None:
        said = revised.gitmig("hook", "install", check=0)
        assert said.stdout.splitlines() == [
            f"the hook is installed ({revised.path(ROOM)})",
            "advice is installed (post-checkout, post-merge and post-rewrite)",
        ]
        blocked = commit(revised)
        assert blocked.exit_code == 1
        assert blocked.stderr == (
            "GM001 the models change without a revision that takes the database there\n"
            "  + user.username VARCHAR\n"
            "  + index ix_user_username\n"
            '  Hint: gitmig revise -m "…"\n'
        )
        said = revised.gitmig("hook", "uninstall", check=0)
        hooks = ("pre-commit", "post-checkout", "post-merge", "post-rewrite")
        removed = [f"removed from {revised.path('.git/hooks')}/{name}" for name in hooks]
        assert said.stdout.splitlines() == removed
        assert revised.gitmig("hook", "uninstall", check=0).stdout == "the hook is not installed\n"
        assert list(revised.path(ROOM).parent.iterdir()) == []
        assert commit(revised).exit_code == 0

    def test_from_a_subdirectory_and_a_linked_work_tree(self, revised: Project) -> None:
        revised.hook()
        revised.git("stash", "--quiet")
        revised.git("worktree", "add", "--quiet", "../other")
        other = revised.beside(revised.top.parent / "other")
        other.append("app/models.py", USERNAME)
        assert commit(other).exit_code == 1
        assert other.try_git("-C", "app", "commit", "-qam", "The models").exit_code == 1

    def test_without_path_and_environment(self, revised: Project) -> None:
        """A graphical client starts git with next to nothing."""
        revised.gitmig("hook", "install", check=0)
        bare = {"PATH": "/usr/bin:/bin:/usr/local/bin", "LC_ALL": None, "TERM": None}
        said = revised.try_git("commit", "-qam", "The models", env=bare)
        assert (said.exit_code, said.stderr[:5]) == (1, "GM001")

    def test_again_changes_nothing(self, revised: Project) -> None:
        revised.gitmig("hook", "install", check=0)
        before = revised.path(ROOM).read_bytes()
        revised.gitmig("hook", "install", check=0)
        assert revised.path(ROOM).read_bytes() == before

    def test_a_dry_run_changes_nothing(self, revised: Project) -> None:
        hooks = revised.path(".git/hooks")
        said = revised.gitmig("hook", "install", "--dry-run", check=0).stdout
        assert f"would install {hooks / 'pre-commit'}\n" in said
        assert not (hooks / "pre-commit").exists()
        revised.gitmig("hook", "install", "--yes", check=0)
        said = revised.gitmig("hook", "uninstall", "--dry-run", check=0).stdout
        assert f"would remove from {hooks / 'pre-commit'}\n" in said
        assert "gitmig" in (hooks / "pre-commit").read_text()

    def test_uninstall_where_nothing_is_installed(self, revised: Project) -> None:
        theirs = hook(revised, "#!/bin/sh\n")
        revised.gitmig("hook", "uninstall", check=0)
        assert theirs.read_text() == "#!/bin/sh\n"

    def test_gitmig_that_is_gone_is_said(self, revised: Project) -> None:
        revised.gitmig("hook", "install", check=0)
        text = revised.path(ROOM).read_text()
        assert sys.executable in text
        hook(revised, text.replace(sys.executable, "/nowhere/python"))
        said = revised.try_git("commit", "-qam", "x", env={"PATH": "/usr/bin:/bin:/usr/local/bin"})
        assert said.exit_code != 0
        assert said.stderr == "gitmig is not installed any more: gitmig hook uninstall, or install it\n"

    def test_json(self, revised: Project) -> None:
        answer = revised.gitmig("hook", "status", "--json", check=0).json
        assert answer["version"] == 1
        assert (answer["installed"], answer["owner"]) == (False, None)
        assert answer["path"] == str(revised.path(ROOM))


class TestChained:
    """A hook that was there first."""

    @pytest.mark.parametrize("text", ENDINGS.values(), ids=ENDINGS)
    def test_both_run_and_ours_is_taken_out(self, revised: Project, text: str) -> None:
        theirs = hook(revised, text, 0o750)
        revised.gitmig("hook", "install", check=0)
        # What cannot be judged is refused as well, and that without an import of the models.
        revised.git("config", "gitmig.python", "/nowhere/python")
        assert commit(revised).exit_code == 1
        assert revised.read("ran.txt") == "checked\n"
        revised.git("restore", "app/models.py")
        revised.append(".gitignore", "/nothing\n")
        passed = revised.try_git("commit", "-qam", "Ignore more")
        assert (passed.exit_code, passed.stderr) == (0, "")
        assert revised.read("ran.txt") == "checked\n" * 2
        revised.gitmig("hook", "uninstall", check=0)
        assert theirs.read_bytes() == text.encode("utf-8", "surrogateescape")
        assert stat.S_IMODE(theirs.stat().st_mode) == 0o750

    def test_the_repository_is_left_as_it_was(self, revised: Project) -> None:
        """Whatever there was: a hook with line ends of two kinds, one that none may edit, and none."""
        hook(revised, "#!/usr/bin/env python3\n").rename(revised.path(".git/hooks/post-merge"))
        hook(revised, "#!/bin/sh\necho one\r\necho two\r\n", 0o700)
        before = everything(revised)
        revised.gitmig("hook", "install", check=0)
        assert set(everything(revised)) - set(before) == {
            ".git/hooks/post-checkout",
            ".git/hooks/post-rewrite",
        }
        revised.gitmig("hook", "uninstall", check=0)
        assert everything(revised) == before

    def test_theirs_refuses(self, revised: Project) -> None:
        hook(revised, "#!/bin/sh\necho no >&2\nexit 7\n")
        revised.gitmig("hook", "install", check=0)
        revised.write("app/models.py", MODELS + "# cosmetic\n")
        said = commit(revised)
        assert (said.exit_code, said.stderr) == (1, "no\n")

    def test_commits_that_theirs_makes_elsewhere_are_checked(self, revised: Project) -> None:
        other = Project.create(revised.top.parent, name="other")
        other.gitmig("revise", "-m", "First revision", check=0)
        hook(other, "#!/bin/sh\nexit 0\n")
        other.hook()
        other.append("app/models.py", USERNAME)
        hook(
            revised,
            "#!/bin/sh\nunset GIT_INDEX_FILE GIT_DIR GIT_PREFIX\n"
            f"git -C '{other.top}' commit -qam Nested || echo blocked >> ran.txt\n",
        )
        revised.gitmig("hook", "install", check=0)
        commit(revised)
        assert revised.read("ran.txt") == "blocked\n"

    @pytest.mark.parametrize(
        ("text", "mode", "reason"),
        [
            ("#!/usr/bin/env python3\nprint('mine')\n", 0o755, "is there and is not a shell script"),
            ("#!/usr/bin/fish\n", 0o755, "is there and is not a shell script"),
            ("echo mine\n", 0o755, "is there and is not a shell script"),
            ("#!/bin/sh\nexit 1\n", 0o644, "is there and is not executable"),
        ],
    )
    def test_left_alone(self, revised: Project, text: str, mode: int, reason: str) -> None:
        theirs = hook(revised, text, mode)
        said = revised.gitmig("hook", "install", check=1)
        assert reason in said.stderr
        assert theirs.read_text() == text

    def test_a_link_is_left_alone(self, revised: Project) -> None:
        script = revised.top.parent / "shared-hook"
        script.write_text("#!/bin/sh\n")
        revised.path(ROOM).parent.mkdir(exist_ok=True)
        os.symlink(script, revised.path(ROOM))
        said = revised.gitmig("hook", "install", check=1)
        assert f"is a link to {script}\nHint: call `gitmig check --staged` from it" in said.stderr
        assert script.read_text() == "#!/bin/sh\n"


class TestManagers:
    """Where a hook manager owns the folder, nothing is written and its lines are printed."""

    @pytest.mark.parametrize(
        ("path", "owner", "line"),
        [
            (".pre-commit-config.yaml", "pre-commit", "entry: gitmig check --staged"),
            (".husky/pre-push", "husky", "gitmig check --staged || exit $?"),
            ("lefthook.yml", "lefthook", "run: gitmig check --staged"),
            (".config/lefthook.yaml", "lefthook", "run: gitmig check --staged"),
        ],
    )
    def test_by_its_file(self, revised: Project, path: str, owner: str, line: str) -> None:
        revised.write(path, "repos: []\n" if path.endswith("yaml") else "")
        for command in ("install", "status"):
            result = revised.gitmig("hook", command, check=0)
            assert owner in result.stderr
            assert line in result.stdout
            assert not revised.path(ROOM).exists()
        answer = revised.gitmig("hook", "status", "--json").json
        assert (answer["installed"], answer["owner"]) == (False, owner)
        assert line in answer["snippet"]

    def test_the_four_lines(self, revised: Project) -> None:
        revised.write(".pre-commit-config.yaml", "repos:\n")
        snippet = revised.gitmig("hook", "install", check=0).stdout
        assert len(snippet.splitlines()) == 8
        checking, advising = yaml.safe_load("repos:\n" + snippet)["repos"]
        (lines,) = checking["hooks"]
        assert lines["always_run"]
        assert lines["require_serial"]
        assert lines["pass_filenames"] is False
        assert (lines["stages"], advising["hooks"][0]["stages"]) == (
            ["pre-commit"],
            ["post-checkout", "post-merge", "post-rewrite"],
        )

    def test_core_hooks_path(self, revised: Project) -> None:
        revised.git("config", "core.hooksPath", "team-hooks")
        result = revised.gitmig("hook", "install", check=0)
        assert "core.hooksPath owns the hooks here" in result.stderr
        assert result.stdout.splitlines() == [
            "gitmig check --staged || exit $?",
            'gitmig hook advise post-checkout "$@" || :',
            'gitmig hook advise post-merge "$@" || :',
            'gitmig hook advise post-rewrite "$@" || :',
        ]
        assert not revised.path("team-hooks").exists()

    def test_core_hooks_path_with_the_line_in_it(self, revised: Project) -> None:
        revised.git("config", "core.hooksPath", "team-hooks")
        revised.write("team-hooks/pre-commit", f"#!/bin/sh\n{sys.executable} -P -m gitmig check --staged\n")
        revised.path("team-hooks/pre-commit").chmod(0o755)
        lines = revised.gitmig("hook", "status", check=0).stdout.splitlines()
        assert lines[0] == "the hook is installed (core.hooksPath)"
        blocked = commit(revised)
        assert (blocked.exit_code, blocked.stderr[:5]) == (1, "GM001")

    def test_lefthook_runs_it(
        self, revised: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_path(tmp_path / "bin", monkeypatch)
        revised.write("lefthook.yml", "")
        revised.write("lefthook.yml", revised.gitmig("hook", "install", check=0).stdout)
        said = revised.gitmig("hook", "status", check=0)
        assert "gitmig check --staged is in lefthook.yml; run this once in each clone:" in said.stderr
        assert said.stdout.splitlines()[0] == "lefthook install"
        subprocess.run(["lefthook", "install"], cwd=revised.top, check=True, capture_output=True)
        theirs = everything(revised)
        for command in ("status", "install"):
            said = revised.gitmig("hook", command, check=0)
            assert said.stdout.splitlines()[0] == "the hook is installed (lefthook)"
        said = revised.gitmig("hook", "uninstall", check=0)
        assert said.stdout.startswith("lefthook owns the hooks here: remove what names gitmig")
        assert everything(revised) == theirs
        blocked = commit(revised)
        assert blocked.exit_code == 1
        assert "+ user.username VARCHAR" in blocked.stdout + blocked.stderr

    def test_husky_runs_it(self, revised: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As `npx husky` leaves it: git's hooks are its own, and run what lies above them."""
        on_path(tmp_path / "bin", monkeypatch)
        revised.write(".husky/pre-commit", "echo checked >> ran.txt\n")
        lines = revised.gitmig("hook", "install", check=0).stdout
        revised.append(".husky/pre-commit", lines.splitlines()[0] + "\n")
        assert revised.gitmig("hook", "status", check=0).stdout.splitlines()[0] == "npx husky"
        revised.write(".husky/_/pre-commit", '#!/bin/sh\nexec sh -e "${0%/_/*}/${0##*/}" "$@"\n')
        revised.path(".husky/_/pre-commit").chmod(0o755)
        revised.git("config", "core.hooksPath", ".husky/_")
        theirs = everything(revised)
        for command in ("status", "install"):
            said = revised.gitmig("hook", command, check=0)
            assert said.stdout.splitlines()[0] == "the hook is installed (husky)"
        said = revised.gitmig("hook", "uninstall", check=0)
        assert said.stdout == "husky owns the hooks here: remove what names gitmig from its configuration\n"
        assert everything(revised) == theirs
        blocked = commit(revised)
        assert (blocked.exit_code, blocked.stderr[:5]) == (1, "GM001")
        assert revised.read("ran.txt") == "checked\n"

    def test_installed_before_the_manager_came(self, revised: Project) -> None:
        revised.gitmig("hook", "install", check=0)
        revised.write(".husky/pre-push", "")
        revised.gitmig("hook", "uninstall", check=0)
        again = revised.gitmig("hook", "uninstall", check=0)
        assert again.stdout == "the hook is not installed\n"
        assert not revised.path(ROOM).exists()

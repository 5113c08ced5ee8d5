"""``gitmig demo``: the whole story, on its own, wherever it is started.

docs/story.md shows what it prints: GITMIG_WRITE_PAGES=1 writes it there.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.narrator import Story
from tests.story import Project

# Read before the test is sealed off from the environment.
_WRITE = bool(os.environ.get("GITMIG_WRITE_PAGES"))
_TOP = Path(__file__).resolve().parent.parent
_PAGE = _TOP / "docs" / "story.md"

# What each step of the story has to show, in this order.
_STORY = (
    r"^\$ gitmig init$",
    r"^models +app/models\.py$",
    r"^\$ gitmig revise -m \"First revision\"$",
    r"^  \+ table user$",
    r"^\$ git commit -a -m \"Add username\"$",
    r"^GM001 ",
    r"^  \+ user\.username VARCHAR$",
    r"^  \+ index ix_user_username$",
    r"^# exit code 1$",
    r"^\$ gitmig revise -m \"Add username for user\"$",
    r"^# table user in app\.db has: id, username$",
    r"^\$ gitmig log$",
    r" verified .*Add username for user",
    r" verified .*First revision",
    r"^\$ gitmig rollback$",
    r"^models +app/models\.py as of [0-9a-f]+$",
    r"^# table user in app\.db has: id$",
    r"^-    username: Mapped\[str \| None\] = mapped_column\(index=True\)$",
    r"^→ gitmig upgrade$",
    r"^\$ gitmig upgrade$",
    r"^models +app/models\.py as of [0-9a-f]+$",
    r"^# table user in app\.db has: id, username$",
    r"^in step$",
)


def test_the_story_is_played_and_leaves_nothing_behind(
    project: Project, sealed: Path, tmp_path: Path
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n", "utf-8")
    (hooks / "pre-commit").chmod(0o755)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    for key, value in (("core.hooksPath", str(hooks)), ("commit.gpgSign", "true"), ("user.name", "Me")):
        project.git("config", "--global", key, value)
    ignore = sealed / ".config" / "git" / "ignore"
    ignore.parent.mkdir(parents=True)
    ignore.write_text("alembic/\n", "utf-8")
    before, home = project.snapshot(), files(sealed)

    played = project.gitmig(
        "demo",
        env={
            "DATABASE_URL": "postgresql://nobody@nowhere.invalid/shop",
            "GIT_DIR": str(project.top / ".git"),
            "GITMIG_PYTHON": str(tmp_path / "no-python"),
            "TMPDIR": str(temporary),
            "VIRTUAL_ENV": str(tmp_path / "no-environment"),
        },
    )

    assert played.exit_code == 0, played.stdout + played.stderr
    assert played.stderr == ""
    lines = iter(played.stdout.splitlines())
    for wanted in _STORY:
        assert any(re.search(wanted, line) for line in lines), f"{wanted} is not there:\n{played.stdout}"
    lines = iter(without_ids(played.stdout))
    for shown in readme():
        assert any(line == shown for line in lines), f"{shown} is in the README, not in:\n{played.stdout}"
    assert list(temporary.iterdir()) == []
    assert project.snapshot() == before
    assert files(sealed) == home
    page = _PAGE.read_text("utf-8")
    real = page[: page.index(_BEGIN)] + _BEGIN + as_page(played.stdout)
    if _WRITE:
        _PAGE.write_text(real, "utf-8")
    assert _PAGE.read_text("utf-8") == real, "GITMIG_WRITE_PAGES=1 writes the output into the page"


def test_it_does_not_pretend_to_have_json(project: Project) -> None:
    assert project.gitmig("demo", "--json", check=2).json["error"] == {
        "code": "usage",
        "message": "the demo has no JSON to answer with",
        "hint": "gitmig demo",
    }


def test_a_step_that_goes_otherwise_ends_it(project: Project, tmp_path: Path) -> None:
    """Here git is one that commits nothing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    git = project.try_git("--exec-path").stdout.strip()
    (folder / "git").write_text(f'#!/bin/sh\n[ "$1" != commit ] || exit 7\nexec {git}/git "$@"\n', "utf-8")
    (folder / "git").chmod(0o755)
    path = f"{folder}:{project.environment()['PATH']}"
    ended = project.gitmig("demo", env={"PATH": path}, check=1)
    assert ended.stderr == (
        "Error: `git commit -q -m Start a shop` ended with exit code 7, where the story has 0\n"
        "Hint: report it with the output above\n"
    )


_BEGIN = "<!-- what `gitmig demo` prints -->\n"


def as_page(played: str) -> str:
    """The demo's remarks as text, with what follows each as a session."""
    story, written = Story(), []
    for part in re.split(r"^# (?=[A-Z])", played.lstrip("\n"), flags=re.MULTILINE)[1:]:
        remark, _, session = part.partition("\n")
        lines = [story.stable(line) for line in session.rstrip("\n").splitlines()]
        text = re.sub(r"(?<= )\d{4}-\d\d-\d\d(?=  )", "2026-01-01", "\n".join(lines))
        text = re.sub(r"/\S*/gitmig-demo-\w+/", "/home/ada/", text)
        written.append(f"{remark}\n" + (f"\n```console\n{text}\n```\n" if text else ""))
    return "\n" + "\n".join(written)


def readme() -> list[str]:
    """The lines of the demo that the README shows: not all of them, but in their order."""
    text = (_TOP / "README.md").read_text("utf-8")
    (block,) = re.findall(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return without_ids(block)


def without_ids(text: str) -> list[str]:
    return [re.sub(r"\b[0-9a-f]{8,12}\b", "ID", line) for line in text.splitlines()]


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

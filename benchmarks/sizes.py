"""Large repositories: 200 revisions among 4,000 and 60,000 files, 10,000 revisions, and how it grows.

``python -m benchmarks large wide huge growth``; ``--repo PATH`` measures a repository that is there: a clone
with a database at its head, whose files are edited and put back.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import grown
from benchmarks.grown import HUGE, LARGE, WIDE, Size
from benchmarks.measuring import ALEMBIC, GITMIG, PYTHON, Line, Pair, Part, Row, Shell, Used, after, measured

_CALL = "import subprocess; subprocess.run(['git', 'diff-index', '--cached', '-z', 'HEAD'])"
_LOG = ("git", "log", "--raw", "--no-renames", "--format=%H")
_VERSIONS = ("--", "alembic/versions")
_MEMORY = 90.0


class Repository:
    """A large one, and what is edited in it."""

    def __init__(self, top: Path, models: str, module: str, *, laid_out: bool = False) -> None:
        """``laid_out``: the files stay laid out when all is forgotten; the first time is told alone."""
        self.forgotten = ("cache", "state") if laid_out else ()
        self.shell = Shell(top, dict(os.environ))
        self.models, self.module = models, module
        self.numbers = itertools.count()

    def restore(self) -> None:
        """Take back what was edited."""
        self.shell.run("git", "reset", "--quiet", "--hard")

    def forget(self, *names: str) -> Callable[[], None]:
        """Takes away what gitmig remembers, or some of it.

        It is put aside, not deleted: for some seconds after that ext4 passes over each of the inodes that it
        has freed, whenever it makes a file, and thousands of new files then take seconds instead of a fifth
        of one (``recently_deleted`` in fs/ext4/ialloc.c).
        """
        aside = self.shell.top.parent / "forgotten"

        def forget() -> None:
            self.restore()
            aside.mkdir(exist_ok=True)
            for name in names or ("",):
                with contextlib.suppress(FileNotFoundError):
                    (self.shell.top / ".git/gitmig" / name).rename(aside / str(next(self.numbers)))

        return forget

    def noted(self) -> None:
        """Stage what has nothing to do with the models."""
        self.restore()
        self._stage("NOTES.md", f"{next(self.numbers)}\n")

    def elsewhere(self) -> None:
        """Stage another version of a module that no model needs."""
        self.restore()
        self._stage(grown.UNRELATED, f"number = {next(self.numbers)}\n")

    def changed(self) -> None:
        """Stage another column."""
        self.restore()
        text = (self.shell.top / self.models).read_text("utf-8")
        self._stage(self.models, f"{text}    x{next(self.numbers)}: Mapped[int | None]\n")

    def _stage(self, path: str, text: str) -> None:
        (self.shell.top / path).write_text(text, "utf-8")
        self.shell.run("git", "add", path)

    def hook(self, code: int = 0) -> Callable[[], Used]:
        """What a commit waits for."""
        return lambda: self.shell.run(*GITMIG, "check", "--staged", codes=(code,))

    def hooks(self) -> Iterator[Pair]:
        """The hook against the least that it could be."""
        floor = self.shell.all((*PYTHON, "-c", _CALL))
        imports = self.shell.all((*PYTHON[:1], "-c", f"import alembic.context, {self.module}"))
        names = ("python, one git call", "importing alembic.context and the models")
        yield Pair("hook, nothing relevant", after(self.noted, self.hook()), names[0], floor, 1.2)
        if (self.shell.top / grown.UNRELATED).exists():
            yield Pair("hook, another module", after(self.elsewhere, self.hook()), names[0], floor, 1.3)
        yield Pair("hook, models changed", after(self.changed, self.hook(1)), names[1], imports, 1.15)

        def afresh() -> None:
            self.forget(*self.forgotten)()
            self.changed()

        yield Pair("hook, nothing remembered", after(afresh, self.hook(1)), names[1], imports, 1.5)
        self.restore()


def large(folder: Path, rounds: int) -> Part:
    """200 revisions, 65 files of models, 4,000 other files, 7,000 commits."""
    return _made_with(folder / "large" / "project", LARGE, "Many files", rounds)


def wide(folder: Path, rounds: int) -> Part:
    """The same with 60,000 other files, as a monorepo has them."""
    return _made_with(folder / "wide" / "project", WIDE, "A monorepo", rounds)


def given(folder: Path, rounds: int, repo: Path, models: str, module: str) -> Part:
    """A repository that is there: a clone with a database at its head."""
    about, rows = _with_many_files(Repository(repo, models, module), rounds)
    return Part(repo.name, about, rows)


def _made_with(top: Path, size: Size, title: str, rounds: int) -> Part:
    grown.make(top, size, os.environ)
    made = Repository(top, "app/models/m00.py", "app.models", laid_out=size is WIDE)
    about, rows = _with_many_files(made, rounds)
    counts = f"{size.revisions} revisions, {size.modules} files of models, {size.files:,} other files"
    return Part(title, f"{counts}, {size.commits:,} commits. {about}", rows)


def _with_many_files(made: Repository, rounds: int) -> tuple[str, list[Row]]:
    made.forget()()
    made.changed()
    first = made.hook(1)()
    made.restore()
    rows = measured(_large(made), rounds)
    return f"The first look of the hook ever, which lays the files out: {first.seconds:.2f} s.", rows


def _large(made: Repository) -> Iterator[Pair]:
    run, log = made.shell.all, made.shell.all(_LOG)
    ours = run((*GITMIG, "log"))
    yield Pair("log, cold", after(made.forget("state"), ours), "git log --raw", log, 3, 0.4)
    heads = run((*ALEMBIC, "heads"))
    yield Pair("log, warm", ours, "alembic heads", heads, 0, 0.4)
    yield Pair("status", run((*GITMIG, "status")), "alembic current", run((*ALEMBIC, "current")), 1.0)
    yield from made.hooks()


def huge(folder: Path, rounds: int) -> Part:
    """10,000 revisions, 30,000 commits."""
    top = folder / "huge" / "project"
    grown.make(top, HUGE, os.environ)
    rows = measured(_huge(Repository(top, "app/models/m00.py", "app.models")), min(rounds, 3))
    return Part("10,000 revisions, 30,000 commits", "Cold: nothing is remembered.", rows)


def _huge(made: Repository) -> Iterator[Pair]:
    run = made.shell.all
    heads, log = run((*ALEMBIC, "heads")), run((*_LOG, *_VERSIONS))
    cold = "git log --raw, the versions folder"
    up, down = run((*GITMIG, "upgrade", "+1", "-y")), run((*GITMIG, "rollback", "-y"))
    ours = run((*GITMIG, "log"))
    yield Pair("log, cold", after(made.forget(), ours), cold, log, 1.3, rounds=1)
    yield Pair("log, warm", ours, "alembic heads", heads, 0.1, megabytes=_MEMORY)
    status = run((*GITMIG, "status"))
    yield Pair("status, cold", after(made.forget(), status), cold, log, 1.3, rounds=1)
    yield Pair("status, warm", status, "alembic heads", heads, 0.2, megabytes=_MEMORY)
    check = made.hook(1)

    def afresh() -> None:
        made.forget("state")()
        made.changed()

    yield Pair("check --staged, cold", after(afresh, check), cold, log, 1.3, rounds=1)
    yield Pair("check --staged, warm", check, "alembic heads", heads, 0.2, megabytes=_MEMORY)
    made.restore()
    yield Pair("rollback", after(up, down), "alembic heads", heads, 0.25, megabytes=_MEMORY)
    yield Pair("upgrade +1", after(down, up), "alembic heads", heads, 0.25, megabytes=_MEMORY)
    made.restore()


_REVISIONS = (100, 1_000, 3_000)
_COMMITS = (4_000, 12_000, 24_000)


def growth(folder: Path, rounds: int) -> Part:
    """Time and memory against revisions (4,000 commits) and against commits (1,000 revisions)."""
    lines: list[Line] = []
    by_revisions = [Size(revisions=n, modules=20, files=200, commits=4_000) for n in _REVISIONS]
    lines += _grown(folder, "revisions", by_revisions, lambda size: size.revisions)
    by_commits = [Size(revisions=1_000, modules=20, files=200, commits=n) for n in _COMMITS]
    lines += _grown(folder, "commits", by_commits, lambda size: size.commits)
    return Part("Growth", "Medians of three.", lines=lines)


def _grown(folder: Path, across: str, sizes: list[Size], number: Callable[[Size], int]) -> list[Line]:
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for size in sizes:
        top = folder / f"{across}-{number(size)}" / "project"
        grown.make(top, size, os.environ)
        run = Shell(top, dict(os.environ)).all
        works = {
            "gitmig log": run((*GITMIG, "log")),
            "gitmig status": run((*GITMIG, "status")),
            "alembic heads": run((*ALEMBIC, "heads")),
            "git log --raw": run((*_LOG, *_VERSIONS)),
        }
        for name, work in works.items():
            used = sorted((work() for _ in range(3)), key=lambda one: one.seconds)[1]
            found.setdefault((name, "seconds"), []).append((number(size), used.seconds))
            found.setdefault((name, "MB"), []).append((number(size), used.megabytes))
            print(
                f"{number(size)} {across}, {name}: {used.seconds:.2f} s, {used.megabytes:.0f} MB", flush=True
            )
        shutil.rmtree(top.parent)
    return [Line(f"{up}-{across}", across, up, name, tuple(points)) for (name, up), points in found.items()]

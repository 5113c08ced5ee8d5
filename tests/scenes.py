"""What each changing command finds, to be killed while it is at work: a project that can be put back."""

from __future__ import annotations

import re
import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import make_url

from tests import database
from tests.branching import order, revised
from tests.killing import CODES, MODELS, Blow, Fall, killed_after, litter, output
from tests.story import Project

_REVISION = re.compile(r'^revision\b.*?=.*?["\'](\w+)', re.MULTILINE)
_PARENTS = re.compile(r"^down_revision\b.*?=(.*)$", re.MULTILINE)
_ID = re.compile(r"\w{12}")
_TRIES = 4
"""So many commands at most bring one home."""


def _column(project: Project, name: str) -> None:
    project.append(MODELS, f"    {name}: Mapped[str | None] = mapped_column(String(20))\n")


def _user(project: Project) -> str:
    return "`user`" if project.url.startswith("mysql") else '"user"'


def _fill(project: Project, column: str) -> None:
    database.execute(project.url, f"update {_user(project)} set {column} = '{column}'")


def _start(project: Project) -> None:
    """Two revisions, and rows."""
    revised(project, "First revision")
    _column(project, "username")
    revised(project, "Add username")
    database.execute(project.url, f"insert into {_user(project)} (id) values (1), (2), (3)")
    _fill(project, "username")


def _amend(project: Project) -> None:
    _email(project)
    _column(project, "phone")


def _branch(project: Project) -> None:
    project.git("branch", "--quiet", "before", "main~1")


def _down(project: Project) -> None:
    _branch(project)
    project.git("switch", "--quiet", "before")


def _up(project: Project) -> None:
    _down(project)
    project.gitmig("sync", "--yes", check=0)
    project.git("switch", "--quiet", "main")


def _rolled_back(project: Project) -> None:
    project.gitmig("rollback", "--yes", check=0)


def _draft(project: Project) -> None:
    _column(project, "email")
    project.gitmig("revise", "-m", "Add email", "--draft", check=0)


def _sides(project: Project) -> None:
    """Two branches with a revision each; the second one's is applied, and has rows."""
    project.git("switch", "--quiet", "--create", "topic")
    _email(project)
    project.gitmig("switch", "main", "--yes", check=0)
    order(project)
    revised(project, "Add orders")
    project.gitmig("switch", "topic", "--yes", check=0)
    project.git("merge", "--quiet", "--no-edit", "main")


def _published(project: Project) -> None:
    _sides(project)
    project.git("tag", "v1", "main")
    project.git("tag", "v2", "topic")


def _release(project: Project) -> None:
    """A release line whose models have what a revision of main makes; its id is in the branch's name."""
    project.git("branch", "--quiet", "release")
    _column(project, "email")
    email = revised(project, "Add email")
    project.git("tag", f"wanted-{email}")
    project.gitmig("switch", "release", "--yes", check=0)
    _column(project, "email")


def _wanted(project: Project) -> str:
    return project.git("tag", "--list", "wanted-*").removeprefix("wanted-")


def _email(project: Project) -> None:
    _column(project, "email")
    revised(project, "Add email")
    _fill(project, "email")


def _nothing(project: Project) -> None:
    """The start is all it takes."""


def _column_wanted(project: Project) -> None:
    _column(project, "email")


def _interrupted(project: Project) -> None:
    """What ``recover`` finds: a rollback that was killed before the database moved."""
    project.gitmig("rollback", "--yes", env={"GITMIG_TEST_KILL_AT": "files-written"})


@dataclass(frozen=True, slots=True)
class Scene:
    """A command, and what it finds."""

    prepare: Callable[[Project], None]
    command: tuple[str, ...]
    argument: Callable[[Project], str] | None = None

    def words(self, project: Project) -> tuple[str, ...]:
        """The command line."""
        return self.command if self.argument is None else (*self.command, self.argument(project))


SCENES: Mapping[str, Scene] = {
    "revise --amend": Scene(_amend, ("revise", "--amend", "--yes")),
    "revise --no-commit": Scene(_column_wanted, ("revise", "-m", "Add email", "--no-commit", "--yes")),
    "upgrade --commit": Scene(_draft, ("upgrade", "--commit", "--yes")),
    "upgrade": Scene(_rolled_back, ("upgrade", "--yes")),
    "rollback base": Scene(_nothing, ("rollback", "base", "--yes")),
    "rollback --commit": Scene(_nothing, ("rollback", "--commit", "--yes")),
    "switch": Scene(_branch, ("switch", "before", "--yes")),
    "sync, down": Scene(_down, ("sync", "--yes")),
    "sync, up": Scene(_up, ("sync", "--yes")),
    "rebase": Scene(_sides, ("rebase", "--yes")),
    "merge": Scene(_published, ("merge", "--yes")),
    "squash": Scene(_email, ("squash", "..head", "-m", "All of it", "--yes")),
    "backport": Scene(_release, ("backport", "--yes"), _wanted),
    "ledger enable": Scene(_nothing, ("ledger", "enable", "--yes")),
    "recover": Scene(_interrupted, ("recover",)),
}


@dataclass(frozen=True, slots=True)
class State:
    """What has to be that of before a command, or that of after it."""

    tables: Mapping[str, tuple[str, ...]]
    """The columns of each, Alembic's and our own left out."""
    rows: tuple[object, ...]
    """The values in the database, in any order."""
    parked: tuple[object, ...]
    models: str
    scripts: tuple[str, ...]
    """The revisions' files, without their ids."""
    status: tuple[str, ...]
    commits: int
    in_step: bool
    """Whether the database is at the one revision of the files that has no child."""

    def committed(self) -> State:
        """But for the commit."""
        return replace(self, status=(), commits=0, in_step=True)


class Stage:
    """A scene that is played and put back as often as wanted."""

    def __init__(self, project: Project, name: str) -> None:
        self.project, self.name = project, name
        self._scene = SCENES[name]
        _start(project)
        self._scene.prepare(project)
        self._words = self._scene.words(project)
        self._kept = project.top.with_name(f"{project.top.name}.kept")
        shutil.copytree(project.top, self._kept, symlinks=True)
        _copy(project.url, _kept_url(project.url))
        self.before = _state(project)
        self._seconds: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(2):
            self._put_back()
            code, seconds = killed_after(project, self._words, None, way="kill", late=True)
            assert code == 0, (name, output(project).read_text())
            for late in (False, True):
                self._seconds[late].append(seconds[late])
        self.after = _state(project)
        # Which side a killed rollback is brought to hangs on the database.
        assert self.after != self.before or name in ("ledger enable", "recover"), name

    def _put_back(self) -> None:
        shutil.rmtree(self.project.top)
        shutil.copytree(self._kept, self.project.top, symlinks=True)
        _copy(_kept_url(self.project.url), self.project.url)
        self.project.git("update-index", "-q", "--refresh")

    def strike(self, blow: Blow) -> Fall:
        """Have the command hit, bring it home, and see that it is where it was or where it goes."""
        self._put_back()
        # What recovery leaves before it has begun has no journal of its own.
        late = blow.late and self.name != "recover"
        delay = statistics.median(self._seconds[late]) * blow.moment
        code, _ = killed_after(self.project, self._words, delay, way=blow.way, late=late)
        said = output(self.project).read_text()
        assert "Traceback" not in said, (self.name, blow, said)
        assert "Exception ignored" not in said, (self.name, blow, said)
        assert code in CODES.get(blow.way, (0, 1, 2)), (self.name, blow, code, said)
        ended = "finished" if code == 0 else self._home(blow, said)
        return Fall(command=self.name, way=blow.way, ended=ended)

    def _home(self, blow: Blow, said: str) -> str:
        """Where the next command, or the same one again, has brought it."""
        project, about = self.project, (self.name, blow, said)
        answer = project.gitmig("recover", "--json", check=0).json["recovered"]
        assert not litter(project), (about, answer, litter(project))
        ended = "nothing" if answer is None else str(answer["side"])
        staged = "staged" in said
        if staged if answer is None else answer["complete"] is not None:
            ended = "applied"
        now = _state(project)
        wanted = {
            # What `recover` is killed at is then before the command that it settles: where it goes itself.
            "before": (self.after,) if self.name == "recover" else (self.before,),
            "nothing": (self.before, self.after),
            "applied": (self.after.committed(),),
            "after": (self.after,),
            "between": (),
        }[ended]
        seen = now.committed() if ended == "applied" else now
        if ended != "between":
            assert seen in wanted, (about, ended, answer, _differing(now, wanted))
        self._again(about, ended)
        return ended

    def _again(self, about: object, ended: str) -> None:
        project, last = self.project, ""
        if ended == "applied":
            # Where git itself was killed it may leave its lock of HEAD: whose that is nobody can tell.
            project.path(".git/HEAD.lock").unlink(missing_ok=True)
            if project.git("status", "--porcelain"):
                project.git("commit", "--quiet", "-m", "Settled")
        for _ in range(_TRIES):
            now = _state(project)
            if _same(now, self.after, between=ended == "between"):
                assert not litter(project), (about, litter(project))
                return
            result = project.gitmig(*self._words)
            last = f"{result.exit_code} {result.stdout}{result.stderr}"
        raise AssertionError((about, ended, last, _differing(_state(project), (self.after,))))


def _same(now: State, wanted: State, *, between: bool) -> bool:
    """Whether all is as wanted, but for how many commits that took.

    ``between``: the models were brought to where the database was left, and base leaves them there.
    """
    now = replace(now, commits=wanted.commits)
    return (replace(now, models=wanted.models, status=wanted.status) if between else now) == wanted


def _differing(now: State, wanted: Sequence[State]) -> object:
    names = State.__slots__
    return [
        [
            (name, getattr(now, name), getattr(one, name))
            for name in names
            if getattr(now, name) != getattr(one, name)
        ]
        for one in wanted
    ]


def _state(project: Project) -> State:
    names = [name for name in database.tables(project.url) if not name.startswith(("alembic", "gitmig"))]
    parked = project.gitmig("park", "list", "--json", check=0).json["parked"] if _has_parked(project) else ()
    scripts = (path.name.partition("_")[2] for path in project.path("alembic/versions").glob("*.py"))
    status = project.git("status", "--porcelain", "--untracked-files=all").splitlines()
    return State(
        tables={name: tuple(sorted(project.columns(name))) for name in names},
        rows=tuple(sorted(str(one) for name in names for one in _values(project, name))),
        parked=tuple(sorted((str(one["table"]), str(one["columns"]), str(one["rows"])) for one in parked)),
        models=project.read(MODELS),
        scripts=tuple(sorted(scripts)),
        status=tuple(sorted(re.sub(r"versions/[0-9a-f]{12}_", "versions/", line) for line in status)),
        commits=int(project.git("rev-list", "--count", "HEAD")),
        in_step=_in_step(project),
    )


def _has_parked(project: Project) -> bool:
    """Whether it is worth a command to ask."""
    if project.url.startswith("postgresql"):
        listing = "select 1 from pg_tables where tablename = 'parked'"
        return bool(database.query(project.url, listing))
    return project.path(".git/gitmig/parked").exists()


def _in_step(project: Project) -> bool:
    texts = [path.read_text() for path in project.path("alembic/versions").glob("*.py")]
    ids = {_REVISION.findall(text)[0] for text in texts}
    parents = {found for text in texts for line in _PARENTS.findall(text) for found in _ID.findall(line)}
    return set(project.heads()) == ids - parents


def _values(project: Project, table: str) -> list[tuple[str, object]]:
    quoted = f"`{table}`" if project.url.startswith("mysql") else f'"{table}"'
    columns = sorted(project.columns(table))
    rows = database.query(project.url, f"select {', '.join(columns)} from {quoted}")
    return [(column, value) for row in rows for column, value in zip(columns, row, strict=True)]


def _kept_url(url: str) -> str:
    made = make_url(url)
    return made.set(database=f"{made.database}_kept").render_as_string(hide_password=False)


def _copy(source: str, target: str) -> None:
    """Make a database what another one is; an SQLite file is copied with its project."""
    old, new = make_url(source).database, make_url(target).database
    if source.startswith("postgresql"):
        database.end_sessions(source)
        server = make_url(source).set(database="postgres").render_as_string(hide_password=False)
        database.execute(server, f"drop database if exists {new} with (force)")
        database.execute(server, f"create database {new} template {old}")
    elif source.startswith("mysql"):
        database.execute(source, f"drop database if exists {new}")
        database.execute(source, f"create database {new}")
        for table in database.tables(source):
            database.execute(source, f"create table {new}.`{table}` like {old}.`{table}`")
            database.execute(source, f"insert into {new}.`{table}` select * from {old}.`{table}`")

"""Commands that are killed at random moments, and what has to be true afterwards."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests import database, forking, servers
from tests.story import Project, Result

MODELS = "app/models.py"
JOURNAL = ".git/gitmig/journal.json"
KILL_PARENT = 'kill -9 $(sed "s/.*) [A-Z] //" /proc/$PPID/stat | cut -d" " -f1)'
"""In a hook or filter: the parent of git, which is gitmig."""
COMMANDS = ("revise", "rollback", "upgrade", "switch")
WAYS = ("kill", "whole", "interrupt", "terminate", "hang up", "worker", "git", "cat-file", "session")
"""What is hit: gitmig alone or with all that it started, gitmig by a signal that asks it to end, its worker,
a git that it started or the one that reads objects for it, or its sessions of the database (the worker, if
that has none). ``restart``, which is no way of these, is for a server that nobody else uses."""
_SIGNALS = {"interrupt": signal.SIGINT, "terminate": signal.SIGTERM, "hang up": signal.SIGHUP}
_NOTES = {"notes": "untracked", "doc/staged notes": "staged"}
"""Bytes of somebody who has nothing to do with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """When a command is killed, as a part of what it or its last part usually takes."""

    moment: float
    way: str
    """One of :data:`WAYS`."""
    late: bool
    """Counted from its first journal on: before there is one, there is nothing to recover from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """What became of it."""

    command: str
    way: str
    ended: str
    """``finished`` before it was killed; else ``nothing`` to recover, or the side: ``before``, ``applied``
    (all but the commit), ``after``."""


def blows(seed: int | str, number: int, ways: Sequence[str] = WAYS) -> tuple[Blow, ...]:
    """The same list for the same seed."""
    chance = random.Random(seed)
    return tuple(_blow(chance.random(), chance.choice(ways), chance.random() < 0.8) for _ in range(number))


def _blow(moment: float, way: str, late: bool) -> Blow:
    return Blow(moment=moment if late else 0.05 + moment, way=way, late=late)


class Victim:
    """A project at its second revision whose commands are killed; it goes on being used."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._columns = self._strikes = 0
        # What a command takes, and what of it comes after its first journal.
        self._seconds: dict[tuple[str, bool], list[float]] = {}
        self._rolled_back = self._pending = self._away = False
        self._filled: list[str] = []
        """The columns of which each row has a value, in the table or parked."""
        self._keeps_rows = not project.url.startswith("mysql")
        self._table = '"user"' if self._keeps_rows else "`user`"
        database.execute(project.url, f"insert into {self._table} (id) values (1), (2), (3)")
        self._round = itertools.cycle(("revise", "rollback", "switch"))
        for path, text in _NOTES.items():
            project.write(path, text)
        project.git("add", "doc")
        for command in (*COMMANDS, "switch"):
            self._run(command, None)
            self._turned(command)

    def strike(self, blow: Blow) -> Fall:
        """Have the next command killed, settle it, and see that nothing is lost and nothing half done."""
        self._strikes += 1
        command = self._next()
        killed = self._run(command, blow)
        mine = self.project.read(MODELS) if command == "revise" else None
        answer = self.project.gitmig("recover", "--json", check=0).json["recovered"]
        ended = "finished" if not killed else "nothing" if answer is None else str(answer["side"])
        if answer is not None and answer["complete"] is not None:
            ended = "applied"
        assert answer is None or answer["left"] == [], answer
        self._check(mine, command, ended)
        self._go_on(command, ended)
        return Fall(command=command, way=blow.way, ended=ended)

    def _next(self) -> str:
        if self._rolled_back:
            return "upgrade"
        if self._away:
            return "switch"
        return "revise" if self._pending else next(self._round)

    def _run(self, command: str, blow: Blow | None) -> bool:
        """Run it; whether it was killed. Without a blow it has to end well, and its time is taken."""
        arguments = [command] if command in ("revise", "upgrade") else [command, "--yes"]
        if command == "revise":
            if not self._pending:
                self._columns += 1
                name = f"c{self._columns}"
                self.project.append(
                    MODELS, f"    {name}: Mapped[str | None] = mapped_column(String(20), index=True)\n"
                )
            arguments += ["-m", f"Add c{self._columns}"]
        elif command == "switch":
            arguments.append(self._target())
        elif command == "rollback":
            # Where nothing can be proven (MariaDB), whose models they are is a guess.
            arguments.append("-y")
        delay = None
        if blow is not None:
            delay = statistics.median(self._seconds[command, blow.late][-3:]) * blow.moment
        way, late = (blow.way, blow.late) if blow is not None else ("kill", True)
        code, seconds = killed_after(self.project, arguments, delay, way=way, late=late)
        said = output(self.project).read_text()
        assert code in ((0,) if blow is None else CODES.get(way, (0, 1, 2))), (command, way, code, said)
        assert "Traceback" not in said, (command, way, said)
        if blow is None:
            for after_journal, taken in enumerate(seconds):
                self._seconds.setdefault((command, bool(after_journal)), []).append(taken)
        return code != 0

    def _target(self) -> str:
        """The branch that is switched to: the one without the newest revision, or back."""
        if self._away:
            return "main"
        self.project.git("branch", "--force", "--quiet", "before", "main~1")
        return "before"

    def _check(self, mine: str | None, command: str, ended: str) -> None:
        project = self.project
        assert not litter(project), litter(project)
        for path, text in _NOTES.items():
            assert project.read(path) == text
        assert project.git("show", ":doc/staged notes") == _NOTES["doc/staged notes"]
        if mine is not None:
            assert project.read(MODELS) == mine
        project.git("fsck", "--connectivity-only", "--no-dangling", "--no-progress")
        status = project.git("status", "--porcelain").splitlines()
        assert [line for line in status if line.endswith((".lock", ".gitmig"))] == [], status
        # The heads are those of a file, and the files that HEAD does not have are the revision's alone.
        (head,) = project.heads()
        assert len([path for path in project.path("alembic/versions").glob("*.py") if head in path.name]) == 1
        if in_step(project):
            self._check_rows()
            return
        assert (command, ended) in (("revise", "before"), ("revise", "nothing")), (command, ended, status)

    def _check_rows(self) -> None:
        """No value is lost: it is where it was, or parked. On MariaDB nothing is parked."""
        if not self._keeps_rows:
            return
        present = self.project.columns("user")
        away = [column for column in self._filled if column not in present]
        parked = self.project.gitmig("park", "list", "--json", check=0).json["parked"] if away else []
        assert {(each["columns"][0], each["rows"]) for each in parked} >= {(column, 3) for column in away}
        for column in self._filled:
            if column in present:
                found = database.query(self.project.url, f"select distinct {column} from {self._table}")
                assert found == ((f"in {column}",),), (column, found)

    def _go_on(self, command: str, ended: str) -> None:
        project = self.project
        if ended == "applied":
            if self._strikes % 3 == 0:
                assert project.gitmig("status", "--json").json["hint"] == "gitmig upgrade --commit"
            # Where git itself was killed it may leave its lock of HEAD, which it asks a person to remove
            # (docs/safety.md): whose that is nobody can tell.
            project.path(".git/HEAD.lock").unlink(missing_ok=True)
            project.gitmig("upgrade", "--commit", check=0)
        elif command == "revise" and project.git("status", "--porcelain", "alembic/versions"):
            # Its database was taken away: the draft stays, and is all right.
            project.gitmig("upgrade", "--commit", check=0)
            ended = "applied"
        after = self._is_after(command)
        assert ended in (("finished", "applied", "after", "nothing") if after else ("before", "nothing")), (
            ended
        )
        if command == "revise":
            self._pending = not after
        if after:
            self._turned(command)
            if command in ("revise", "switch"):
                assert project.git("status", "--porcelain", MODELS, "alembic") == ""
        elif self._strikes % 4 == 0:
            # It still works, and takes as long as it takes.
            self._run(command, None)
            self._turned(command)

    def _is_after(self, command: str) -> bool:
        head = self.project.git("log", "-1", "--format=%s")
        match command:
            case "revise":
                return head == f"Add c{self._columns}"
            case "rollback":
                return f"c{self._columns}" not in self.project.columns("user")
            case "switch":
                branch = self.project.git("symbolic-ref", "--short", "HEAD")
                assert (f"c{self._columns}" in self.project.columns("user")) is (branch == "main")
                return (branch == "before") is not self._away
            case _:
                return f"c{self._columns}" in self.project.columns("user")

    def _turned(self, command: str) -> None:
        self._rolled_back = command == "rollback"
        if command == "switch":
            self._away = not self._away
        if command == "revise":
            self._pending = False
            name = f"c{self._columns}"
            database.execute(self.project.url, f"update {self._table} set {name} = 'in {name}'")
            self._filled.append(name)


def litter(project: Project) -> list[str]:
    """What lies where nothing is to lie after a command was brought home; TMPDIR is the commands' alone."""
    database.tables(project.url)  # whoever opens it next has SQLite roll back what was cut off
    private = project.path(".git/gitmig")
    found = [*private.glob("gitmig-*"), *private.glob("parked/*-crash"), *private.glob("step.*")]
    journals = (*private.glob("parked/*-journal"), *project.top.glob("app.db-journal"))
    # One that begins with nothing has nothing to take back: SQLite writes over it the next time.
    found += [path for path in journals if path.read_bytes()[:1].strip(b"\0")]
    found += [*private.glob("*journal.json*"), *private.rglob("*.lock"), *private.glob(".*")]
    found += [*project.path(".git").glob("*index*.lock"), *project.path(".git").glob("gitmig-*")]
    found += Path(os.environ["TMPDIR"]).iterdir()
    return [str(path) for path in found]


def in_step(project: Project) -> bool:
    """Whether the database has just the columns that the models on disk have."""
    declared = re.findall(r"^    (\w+): Mapped\[", project.read(MODELS), re.MULTILINE)
    return sorted(declared) == sorted(project.columns("user"))


def killed_after(
    project: Project, arguments: Sequence[str], seconds: float | None, *, way: str, late: bool
) -> tuple[int, tuple[float, float]]:
    """Start a command and hit it after so many seconds; its exit code, which may be that of its own end.

    ``late``: from its first journal on. Also returns how long it took, and how long since that journal.
    """
    began = time.monotonic()
    command = [sys.executable, "-P", "-m", "gitmig", *arguments]
    process = forking.alone(command, cwd=project.top, env=project.environment(), output=output(project))
    while late and process.poll() is None and not project.path(JOURNAL).exists():
        time.sleep(0.001)
    journal = time.monotonic()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
    if process.poll() is None:
        _hit(project, process, way)
    code, end = process.wait(), time.monotonic()
    return code, (end - began, end - journal)


CODES = {
    "kill": (0, -signal.SIGKILL),
    "whole": (0, -signal.SIGKILL),
    # Before it has begun to look for signals, they end it as they end any program.
    "interrupt": (0, 130, -signal.SIGINT),
    "terminate": (0, 130, -signal.SIGTERM),
    "hang up": (0, 130, -signal.SIGHUP),
}


def _hit(project: Project, process: forking.Process | subprocess.Popen[bytes], way: str) -> None:
    if way == "session" and not project.url.startswith("sqlite"):
        return database.end_sessions(project.url)
    if way in _SIGNALS:
        return os.kill(process.pid, _SIGNALS[way])
    if way == "restart" and not project.url.startswith("sqlite"):
        return servers.restart(project.url)
    if way not in ("kill", "whole"):
        return _kill([pid for pid in _session(process.pid) if _is_meant(pid, way)])
    others = tuple(_session(process.pid)) if way == "whole" else ()
    process.kill()
    # What was started between the look and the blow is found by another look.
    return _kill((*others, *(_session(process.pid) if way == "whole" else ())))


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _is_meant(pid: int, way: str) -> bool:
    """Whether a process is of those that are hit; a worker is a Python like ourselves."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return False
    is_git = Path(words[0]).name == "git"
    return is_git and (way == "git" or way in words) if way in ("git", "cat-file") else not is_git


def output(project: Project) -> Path:
    """What the command that was hit has said."""
    return project.top.with_name(f"{project.top.name}.said")


def _session(leader: int) -> Iterator[int]:
    """The processes of the session that we started with this leader, itself left out."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != leader:
            with contextlib.suppress(OSError):
                if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == leader:
                    yield int(folder.name)


def told(result: Result) -> str:
    """What a command said, for a failure's message."""
    return f"exit code {result.exit_code}\n{result.stdout}{result.stderr}"

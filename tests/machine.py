"""A state machine of somebody who edits, commits, branches, merges, migrates and has commands killed.

Invariants: bytes that a person wrote are on disk or held by git; where the database is not what the models
say, ``status`` says so; a refusal changes nothing; nothing fails for a reason of its own.
"""

from __future__ import annotations

import re
import shutil
import signal
import tempfile
from collections import Counter
from pathlib import Path
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.articles import article
from tests.killing import JOURNAL, MODELS, in_step, told
from tests.story import Project, Result

REVISING = ("", "", " --no-commit", " --draft", " --amend")
MOVING = (
    "upgrade",
    "upgrade --commit",
    "upgrade +1",
    "rollback",
    "rollback --commit -y",
    "rollback base -y",
)
SYNCING = ("sync", "sync", "sync main", "sync b1", "sync --dry-run")
SWITCHING = ("main", "main", "b1", "b1", "b2", "-", "-c", "--detach main~1")
_COMING = ("journal-written", "database-prepared", "files-written", "database-committed")
_GOING = ("index-locked", "staged", "committed")
_POINTS = {
    "revise": ("draft-written", *_COMING, *_GOING),
    "upgrade": _COMING,
    "upgrade --commit": (*_COMING, *_GOING),
    "rollback": _COMING,
    "rollback --commit": ("script-removed", *_COMING, *_GOING),
    "sync": _COMING,
    "switch": ("models-restored", "index-locked", "switched", *_COMING, "journal-removed"),
}
"""Where a command may be killed."""
_KILLS = st.none() | st.tuples(st.integers(0, 15), st.booleans())
"""The number of a point, and whether it is recovered at once."""


def _point(words: str, number: int) -> str:
    points = next(_POINTS[name] for name in sorted(_POINTS, reverse=True) if words.startswith(name))
    return points[number % len(points)]


class Machine(RuleBasedStateMachine):
    """One project on SQLite, at its second revision to begin with."""

    tally: ClassVar[Counter[str]]
    """What became of the commands, over all examples."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gitmig-machine-"))
        self.project: Project = article(self.folder).project
        self.project.write("README", "read me\n")
        self.project.commit("Say what this is")
        self.columns = self.branches = 0
        # What was written by hand, by path; and what such bytes were before somebody else changed them.
        self.mine: dict[str, bytes] = {}
        self.held: list[tuple[str, bytes]] = []

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    # What a person does.

    @rule(what=st.sampled_from(("more", "more", "less", "remark", "README", "notes")))
    def edit(self, what: str) -> None:
        """A column more or less, or a remark that means nothing to the schema."""
        if what in ("more", "less"):
            self._edit_models(more=what == "more")
            return
        path = MODELS if what == "remark" else what
        old = self.project.read(path) if self.project.path(path).exists() else ""
        first, newline, rest = old.partition("\n")
        self._write(path, f"{first}{newline}# remark {self.columns}\n{rest}")

    @rule(
        what=st.sampled_from(("add -u", "add README", "add -A", "commit -q -m Some", "commit -q -a -m All")),
    )
    def commit(self, what: str) -> None:
        self.project.try_git(*what.split())

    @rule(what=st.sampled_from(("switch", "switch", "merge")), number=st.integers(0, 2), new=st.booleans())
    def branch(self, what: str, number: int, new: bool) -> None:
        """Plain git, so that the database stays where it is; a conflict is called off."""
        name = f"b{number}" if 0 < number <= self.branches else "main"
        if what == "switch" and new:
            self.branches += 1
            self.project.try_git("switch", "-q", "-c", f"b{self.branches}")
        elif what == "switch":
            self.project.try_git("switch", "-q", name)
        elif self.project.git("status", "--porcelain", "--untracked-files=no"):
            pass  # the abort of a merge must not meet edits
        elif self.project.try_git("merge", "-q", "--no-edit", name).exit_code:
            self.project.try_git("merge", "--abort")

    # What gitmig does.

    @rule(options=st.sampled_from(REVISING), edit=st.sampled_from((True, True, True, False)), kill=_KILLS)
    def revise(self, options: str, edit: bool, kill: tuple[int, bool] | None) -> None:
        if edit:
            self._edit_models(more=True)
        self._move(f"revise -m Change{options}", kill)

    @rule(command=st.sampled_from(MOVING), edit=st.sampled_from((None, None, "remark", "more")), kill=_KILLS)
    def move(self, command: str, edit: str | None, kill: tuple[int, bool] | None) -> None:
        """Now and then with an edit in the way that was made just before."""
        if edit is not None:
            self.edit(edit)
        self._move(command, kill)

    @rule(command=st.sampled_from(SYNCING), kill=_KILLS)
    def sync(self, command: str, kill: tuple[int, bool] | None) -> None:
        self._move(command, kill)

    @rule(where=st.sampled_from(SWITCHING), edit=st.sampled_from((None, None, None, "remark")), kill=_KILLS)
    def switch(self, where: str, edit: str | None, kill: tuple[int, bool] | None) -> None:
        if edit is not None:
            self.edit(edit)
        if where == "-c":
            self.branches += 1
            where = f"-c b{self.branches}"
        self._move(f"switch {where}", kill)

    @rule()
    def recover(self) -> None:
        result = self.project.gitmig("recover")
        assert result.exit_code == 0, told(result)
        assert not self._journal()
        assert not self.project.path(".git/index.lock").exists()
        self._agrees()

    # What has to be true.

    @invariant()
    def no_byte_is_gone(self) -> None:
        """Everything that a person wrote is where it was written, or git has it."""
        for path, data in list(self.mine.items()):
            file = self.project.path(path)
            if not file.is_file() or file.read_bytes() != data:
                del self.mine[path]
                self.held.append((path, data))
        for path, data in list(self.held):
            file = self.project.path(path)
            if file.is_file() and file.read_bytes() == data:
                self.held.remove((path, data))
                self.mine[path] = data
            else:
                assert self._has(path, data), (path, data.decode())

    def _has(self, path: str, data: bytes) -> bool:
        blob = self._blob(path, data)
        if self.project.try_git("cat-file", "-e", blob).exit_code:
            return False
        found = self.project.git(
            "log", "--all", "--reflog", "-1", "-m", "--format=%H", f"--find-object={blob}"
        )
        return bool(found) or blob in self.project.git("ls-files", "-s", "--", path)

    def _blob(self, path: str, data: bytes) -> str:
        file = self.folder / "bytes"
        file.write_bytes(data)
        return self.project.git("hash-object", f"--path={path}", str(file))

    def _move(self, words: str, kill: tuple[int, bool] | None) -> None:
        """Run a command, and look at what it says and leaves."""
        before, waiting, command = self.project.snapshot(), self._journal(), tuple(words.split())
        point = _point(words, kill[0]) if kill is not None else None
        result = self.project.gitmig(*command, env={"GITMIG_TEST_KILL_AT": point})
        self._count(command, result)
        if result.exit_code == -signal.SIGKILL:
            if kill is not None and kill[1] and self._journal():
                self.recover()
            return
        assert result.exit_code in (0, 1, 2), (command, told(result))
        if result.exit_code == 0:
            assert not self._journal(), (command, told(result))
            self._agrees()
            return
        assert result.stderr.splitlines()[-1].startswith(("Hint: ", "Error: ")), (command, told(result))
        # Where a draft stays, or an earlier command is settled, it is said.
        if not waiting and not re.search(r"nothing was applied|correct .*, then: ", result.stderr):
            assert self.project.snapshot() == before, (command, told(result))

    def _edit_models(self, *, more: bool) -> None:
        if not self.project.path(MODELS).exists():
            return
        lines = self.project.read(MODELS).splitlines(keepends=True)
        if more:
            self.columns += 1
            lines.append(f"    c{self.columns}: Mapped[str | None] = mapped_column(String)\n")
        elif "Mapped[str" in lines[-1]:
            lines.pop()
        self._write(MODELS, "".join(lines))

    def _count(self, command: tuple[str, ...], result: Result) -> None:
        ended = {0: "done", -signal.SIGKILL: "killed"}.get(result.exit_code, "refused")
        self.tally[f"{command[0]} {ended}"] += 1

    def _agrees(self) -> None:
        """Where database and models differ, it is not called in step, or nothing calls the revision verified.

        A draft that was left to be read has no record, and plain git commits it with any models.
        """
        if not self.project.path(MODELS).exists() or in_step(self.project):
            return
        status = self.project.gitmig("status", "--json")
        assert status.exit_code in (0, 1, 2), told(status)
        if status.json.get("in_step"):
            ties = {
                line["revision"]: line["tie"]
                for line in self.project.gitmig("log", "--json").json["revisions"]
            }
            assert "verified" not in [ties[head] for head in status.json["database"]["heads"]], told(status)

    def _journal(self) -> bool:
        return self.project.path(JOURNAL).exists()

    def _write(self, path: str, text: str) -> None:
        # A person's own edit of their own bytes: what it replaces is theirs to lose.
        if path in self.mine and self.project.path(path).read_bytes() != self.mine[path]:
            self.held.append((path, self.mine[path]))
        self.project.write(path, text)
        self.mine[path] = text.encode()


def run(number: int, *, examples: int, steps: int) -> Counter[str]:
    """So many histories, the same for the same number; what became of the commands in them."""
    # The simplest of several failures is not looked for: each step is whole commands.
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
        print_blob=False,
    )

    class Numbered(Machine):
        tally: ClassVar[Counter[str]] = Counter()

    run_state_machine_as_test(seed(number)(Numbered), settings=chosen)
    return Numbered.tally

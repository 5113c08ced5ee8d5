"""Random repositories that go on while gitmig remembers them: what is remembered must change no answer.

Commits, merges, rebases, forced pushes, branches that are deleted with all that only they had, revisions that
come, go and get other parents, models that move; and a cache that is deleted, cut off or full of rubbish.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

from gitmig.core.commits import History
from gitmig.core.paths import with_other_forms
from gitmig.core.replay import replay
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script, read_script_bytes
from gitmig.core.ties import Derivation
from gitmig.facts.history import read_all
from gitmig.facts.known_history import KnownHistories
from gitmig.facts.known_ties import KnownTies, derived_ties
from gitmig.facts.places import TrackedPlaces
from gitmig.git.repository import Repository
from gitmig.state.facts import Facts
from gitmig.state.scripts import KnownScripts
from gitmig.wire.values import CommitId

Files = dict[str, str]

_PLACES = TrackedPlaces(versions=("versions",), models=with_other_forms(["app/models.py"]))
_MODELS = ("app/models.py", "app/models/__init__.py", "old/models.py")
_MOMENT = 1_700_000_000


class Play:
    """One repository, and what it is made of."""

    def __init__(self, top: Path, random: Random) -> None:
        self.top = top
        self.random = random
        self.files: dict[str, Files] = {}
        self.parents: dict[str, tuple[str, ...]] = {}
        self.branches: dict[str, str] = {}
        self.number = 0
        self.asked = self.readings = self.found = 0
        top.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")
        self.branches["main"] = self._commit((), {"app/models.py": _models(0), **self._revision(None)})

    def step(self) -> None:
        """One thing that people do."""
        ways = [self._work] * 6 + [self._fork] * 2 + [self._merge] * 3
        self.random.choice([*ways, self._rebase, self._force, self._delete, self._damage])()

    def work(self, revisions: int) -> None:
        """So many commits on the main branch, each with a revision and its models."""
        for _ in range(revisions):
            tip = self.branches["main"]
            files = {**self.files[tip], **self._revision(None), "app/models.py": _models(self.number)}
            self.branches["main"] = self._commit((tip,), files)

    def note(self) -> None:
        """A commit on the main branch that changes neither revisions nor models."""
        tip = self.branches["main"]
        self.number += 1
        self.branches["main"] = self._commit((tip,), {**self.files[tip], "notes": str(self.number)})

    def check(self) -> None:
        """Compare what is remembered and what is read afresh, at some branches. Raises AssertionError."""
        for name in self.random.sample(sorted(self.branches), k=min(2, len(self.branches))):
            head = CommitId(self.branches[name])
            self.asked += 1
            warm, cold = self._warm(head), self._cold(head)
            assert warm == cold, f"{name} at {head}"
            self._check_ties(head, cold)

    def _check_ties(self, head: CommitId, history: History) -> None:
        files = {path: text for path, text in self.files[head].items() if path.startswith("versions/")}
        read = [read_script_bytes(path, text.encode()) for path, text in files.items()]
        graph = Graph.of([each for each in read if isinstance(each, Script)])
        derivation = Derivation(graph=graph, replayed=replay(graph, history), schemas={})
        expected = derived_ties(derivation, history)
        repository = self._opened()
        try:
            known = KnownTies(
                repository=repository,
                facts=Facts(repository.shared() / "state"),
                graph=graph,
                silent=(),
                places=_PLACES,
                at_least=1,
            )
            found = known.find(head)
            self.found += found is not None
            assert found in (None, expected), f"the ties at {head}"
            if found is None or self.random.random() < 0.5:
                known.store(head, expected)
        finally:
            repository.close()

    def _warm(self, head: CommitId) -> History:
        repository = self._opened()
        facts = Facts(repository.shared() / "state")
        known = KnownHistories(repository, facts, KnownScripts(facts), {})
        try:
            return known.of(head, _PLACES, keep=self.random.random() < 0.8)
        finally:
            self.readings += known.readings
            repository.close()

    def _cold(self, head: CommitId) -> History:
        repository = self._opened()
        scripts = KnownScripts(Facts(self.top.parent / "nowhere"))
        try:
            return read_all(repository, head, _PLACES, scripts).history
        finally:
            repository.close()

    def _opened(self) -> Repository:
        repository = Repository.discover(self.top)
        assert repository is not None
        return repository

    def _branch(self) -> str:
        return self.random.choice(sorted(self.branches))

    def _work(self) -> None:
        name = self._branch()
        for _ in range(self.random.randint(1, 3)):
            tip = self.branches[name]
            self.branches[name] = self._commit((tip,), self._edited(self.files[tip]))

    def _edited(self, files: Files) -> Files:
        files = dict(files)
        revisions = [path for path in files if path.startswith("versions/")]
        models = [path for path in _MODELS if path in files]
        what = self.random.randrange(10)
        if what < 4:
            files |= self._revision(self.random.choice(revisions) if revisions else None)
        if what == 4 and revisions:
            path = self.random.choice(revisions)
            files[path] = _script(path, self.random.choice(revisions))
        if what == 5 and len(revisions) > 1:
            files.pop(self.random.choice(revisions))
        if what == 6 and models:
            moved = files.pop(models[0])
            if self.random.random() < 0.8:
                files[self.random.choice(_MODELS)] = moved
        elif what in (0, 1, 7) or (what == 8 and not models):
            files[self.random.choice(models or _MODELS)] = _models(self.random.randrange(1000))
        elif what == 9:
            files["notes"] = str(self.random.random())
        return files

    def _revision(self, parent: str | None) -> Files:
        self.number += 1
        path = f"versions/r{self.number}.py"
        return {path: _script(path, parent)}

    def _fork(self) -> None:
        if len(self.branches) < 5:
            self.number += 1
            start = self.random.choice(sorted(self.parents)[:8] + sorted(self.branches.values()))
            if self._is_reachable(start):
                self.branches[f"b{self.number}"] = start

    def _merge(self) -> None:
        into, other = self._branch(), self._branch()
        one, two = self.branches[into], self.branches[other]
        if one == two or two in self._ancestors(one):
            return
        merged = {**self.files[two], **self.files[one]}
        if self.random.random() < 0.2:
            merged = self._edited(merged)
        self.branches[into] = self._commit((one, two), merged)

    def _rebase(self) -> None:
        name, onto = self._branch(), self.branches[self._branch()]
        moved: list[str] = []
        tip = self.branches[name]
        while len(moved) < 3 and self.parents[tip]:
            moved.append(tip)
            tip = self.parents[tip][0]
        for commit in reversed(moved):
            onto = self._commit((onto,), {**self.files[onto], **self.files[commit]})
        self.branches[name] = onto

    def _force(self) -> None:
        name = self._branch()
        for _ in range(self.random.randint(1, 3)):
            self.branches[name] = next(iter(self.parents[self.branches[name]]), self.branches[name])
        self._work()

    def _delete(self) -> None:
        name = self._branch()
        if name != "main":
            del self.branches[name]
            self._git("reflog", "expire", "--expire=now", "--all")
            for each in self._git("for-each-ref", "--format=%(refname)").split():
                self._git("update-ref", "-d", each)
            for each, commit in self.branches.items():
                self._git("update-ref", f"refs/heads/{each}", commit)
            self._git("gc", "--quiet", "--prune=now")

    def _damage(self) -> None:
        file = self.top / ".git/gitmig/state/facts.sqlite"
        if file.exists():
            match self.random.randrange(4):
                case 0:
                    file.unlink()
                case 1:
                    file.write_bytes(file.read_bytes()[: self.random.randrange(file.stat().st_size)])
                case 2:
                    file.write_bytes(b"this is no database\n" * 400)
                case 3:
                    data = bytearray(file.read_bytes())
                    for _ in range(20):
                        data[self.random.randrange(len(data))] ^= 255
                    file.write_bytes(data)

    def _ancestors(self, commit: str) -> set[str]:
        seen, todo = {commit}, [commit]
        while todo:
            for parent in self.parents[todo.pop()]:
                if parent not in seen:
                    seen.add(parent)
                    todo.append(parent)
        return seen

    def _is_reachable(self, commit: str) -> bool:
        return any(commit in self._ancestors(tip) for tip in self.branches.values())

    def _commit(self, parents: tuple[str, ...], files: Files) -> str:
        """Make a commit; its id."""
        # Clocks go wrong, and several commits are of one second.
        moment = _MOMENT + len(self.parents) * 7 + self.random.randint(-40, 10)
        lines = [f"commit refs/heads/made{len(self.parents)}", "mark :1"]
        lines += [f"committer A <a@b.c> {moment} +0000", "data 1", "x"]
        lines += [f"{word} {one}" for word, one in zip(["from", *["merge"] * 9], parents, strict=False)]
        lines += ["deleteall"]
        for path, text in files.items():
            lines += [f"M 100644 inline {path}", f"data {len(text)}", text]
        lines += ["get-mark :1", "done", ""]
        made = self._git("fast-import", "--quiet", "--force", "--done", text="\n".join(lines)).strip()
        self.files[made], self.parents[made] = files, parents
        return made

    def _git(self, *args: str, text: str | None = None) -> str:
        done = subprocess.run(
            ["git", *args], cwd=self.top, input=text, capture_output=True, text=True, check=True
        )
        return done.stdout


def _models(number: int) -> str:
    lines = "".join(f"line {line}\n" for line in range(30))
    return f"number = {number}\n{lines}"


def _script(path: str, parent: str | None) -> str:
    name, below = (_id(one) if one is not None else None for one in (path, parent))
    below = None if below == name else below
    return f"revision = {name!r}\ndown_revision = {below!r}\n"


def _id(path: str) -> str:
    return path.removeprefix("versions/").removesuffix(".py")

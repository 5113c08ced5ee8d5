"""Random histories of branch, merge, rebase, squash, rename and revise, and what a naive model says of them.

A history is played in memory and written by one ``git fast-import``. The naive model knows what each revision
does to the columns; it looks at every commit by itself, and at nothing that gitmig derived.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from random import Random

from gitmig.core.paths import with_other_forms
from gitmig.core.replay import replay
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header, with_header
from gitmig.core.revisions.scripts import Script, read_script
from gitmig.core.ties import Derivation, KnownSchema, Tie, TieState
from gitmig.facts.history import read_history
from gitmig.facts.places import TrackedPlaces
from gitmig.git.contents import digest_of
from gitmig.git.repository import Repository
from gitmig.wire.values import CommitId, RevisionId

Columns = frozenset[str]
_NO_RECORD = Header()
_PADDING = "".join(f"# line {number} of what never changes\n" for number in range(30))


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A revision file, and what it does."""

    id: str
    parents: tuple[str, ...]
    adds: Columns = frozenset()
    drops: Columns = frozenset()
    header: Header = _NO_RECORD

    @property
    def is_merge(self) -> bool:
        """Whether it merges and does nothing else."""
        return len(self.parents) > 1 and not self.adds and not self.drops

    @property
    def text(self) -> str:
        """The file."""
        parents = self.parents[0] if len(self.parents) == 1 else self.parents or None
        body = (
            "    pass\n" if self.is_merge else f"    op.change({sorted(self.adds)}, {sorted(self.drops)})\n"
        )
        text = (
            f'"""{self.id}\n\nRevision ID: {self.id}\n"""\n\nrevision = {self.id!r}\n'
            f"down_revision = {parents!r}\n\n\ndef upgrade():\n{body}\n\ndef downgrade():\n{body}"
        )
        return with_header(text, self.header) if self.header != Header() else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A commit."""

    parents: tuple[int, ...]
    revisions: Mapping[str, Revision]
    columns: Columns
    remark: int = 0
    moves: int = 0
    """How often the models, and the folder of the revisions, were renamed."""

    @property
    def models_path(self) -> str:
        """Where the models are."""
        return f"app/models{self.moves}.py" if self.moves else "app/models.py"

    @property
    def versions(self) -> str:
        """Where the revisions are."""
        return f"versions{self.moves // 2}"

    @property
    def models(self) -> str:
        """The models' text."""
        lines = "".join(f"{name} = Column()\n" for name in sorted(self.columns))
        return f"{_PADDING}{lines}# remark {self.remark}\n"

    @property
    def files(self) -> dict[str, str]:
        """All files."""
        scripts = {f"{self.versions}/{id}.py": one.text for id, one in self.revisions.items()}
        return {self.models_path: self.models, **scripts}

    @property
    def digest(self) -> str:
        """The content digest of the models."""
        data = self.models.encode()
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        found = digest_of({self.models_path: blob})
        assert found is not None
        return found

    def heads(self) -> tuple[str, ...]:
        """The revisions that none follows here."""
        followed = {parent for one in self.revisions.values() for parent in one.parents}
        return tuple(sorted(set(self.revisions) - followed))

    def below(self, *heads: str) -> frozenset[str]:
        """Revisions and all below them here."""
        seen, todo = set(heads), [*heads]
        while todo:
            for parent in self.revisions[todo.pop()].parents:
                if parent not in seen:
                    seen.add(parent)
                    todo.append(parent)
        return frozenset(seen)

    def true_columns(self, revisions: frozenset[str]) -> frozenset[Columns]:
        """What these revisions make of an empty database, in two orders: mostly that is one answer."""
        names = sorted(revisions)
        return frozenset(self._applied(self._oldest_first(order)) for order in (names, names[::-1]))

    def _oldest_first(self, names: list[str]) -> list[str]:
        found: list[str] = []

        def visit(id: str) -> None:
            if id not in found:
                for parent in sorted(self.revisions[id].parents, key=names.index):
                    visit(parent)
                found.append(id)

        for name in names:
            visit(name)
        return found

    def _applied(self, order: list[str]) -> Columns:
        columns: Columns = frozenset()
        for revision in (self.revisions[id] for id in order):
            columns = (columns | revision.adds) - revision.drops
        return columns


def schema_of(columns: Columns) -> KnownSchema:
    """What the cache would know of models with these columns."""
    name = hashlib.sha256("".join(sorted(columns)).encode()).hexdigest()[:16]
    return KnownSchema(dialect="sqlite", sqlalchemy="2.1", digest=name)


@dataclass
class Play:
    """A history in the making: branches by their tips."""

    random: Random
    nodes: list[Node] = field(default_factory=list)
    branches: dict[str, int] = field(default_factory=dict)
    counter: int = 0

    def __post_init__(self) -> None:
        self._commit("main", Node(parents=(), revisions={}, columns=frozenset({"id"})))
        self.revise("main")

    def step(self) -> None:
        """Something that somebody does on some branch."""
        branch = self._pick(sorted(self.branches))
        others = sorted(set(self.branches) - {branch})
        steps: list[Callable[[], None]] = [
            *[lambda: self.revise(branch)] * 4,
            lambda: self.revise(branch, record=False),
            lambda: self._change(branch, remark=self._next()),
            lambda: self._change(branch, columns=self.tip(branch).columns | {f"c{self._next()}"}),
            lambda: self._change(branch, moves=self.tip(branch).moves + 1),
            lambda: self._join_heads(branch),
        ]
        if len(self.branches) < 4:
            steps += [lambda: self._branch(branch)] * 3
        for other in others:
            steps += [lambda other=other: self.merge(branch, other)] * 3  # type: ignore[misc]
            steps.append(lambda other=other: self.rebase(other, branch))  # type: ignore[misc]
            steps.append(lambda other=other: self.squash(branch, other))  # type: ignore[misc]
        steps[self._number(len(steps))]()

    def tip(self, branch: str) -> Node:
        return self.nodes[self.branches[branch]]

    def revise(self, branch: str, *, record: bool = True) -> None:
        """A new column, and a revision for all that the models have beyond the state of the heads."""
        old = self.tip(branch)
        heads = old.heads()
        if len(heads) > 1:
            self._join_heads(branch)
            return
        before = min(old.true_columns(frozenset(old.revisions)), key=sorted)
        new = replace(old, columns=old.columns | {f"c{self._next()}"})
        adds, drops = new.columns - before, before - new.columns
        header = Header()
        if record:
            known = schema_of(new.columns)
            change = hashlib.sha256(f"{sorted(adds)}{sorted(drops)}".encode()).hexdigest()[:16]
            header = Header(
                models=new.digest, dialect="sqlite", schema=known.digest, change=change, sqlalchemy="2.1"
            )
        revision = Revision(id=f"r{self._next():03}", parents=heads, adds=adds, drops=drops, header=header)
        self._advance(branch, replace(new, revisions={**new.revisions, revision.id: revision}))

    def merge(self, branch: str, other: str) -> None:
        """``git merge``: with both sides' models or just one's; two heads stay, are joined or stacked."""
        ours, theirs = self.tip(branch), self.tip(other)
        if theirs.revisions.keys() <= ours.revisions.keys() and theirs.columns <= ours.columns:
            return
        fork = self._fork(self.branches[branch], self.branches[other])
        merged = self._merged(ours, theirs, fork, lose=self._number(4))
        how = self._number(3)
        if how == 1:
            merged = self._joined(merged)
        elif how == 2:
            merged = _stacked(merged, ours, theirs)
        self._commit(branch, replace(merged, parents=(self.branches[branch], self.branches[other])))

    def rebase(self, branch: str, onto: str) -> None:
        """``git rebase``: each commit once more, its revisions on what is there then."""
        below = self.tip(onto)
        if not all(below.columns >= columns for columns in below.true_columns(frozenset(below.revisions))):
            # What a merge lost, the rebased record may never have had: nothing in history tells them apart.
            return
        start = self._fork(self.branches[branch], self.branches[onto])
        picked: list[int] = []
        at = self.branches[branch]
        while at != start and self.nodes[at].parents:
            if len(self.nodes[at].parents) > 1:
                return
            picked.append(at)
            at = self.nodes[at].parents[0]
        if at != start:
            return
        self.branches[branch] = self.branches[onto]
        for one in reversed(picked):
            now, old = self.nodes[one], self.nodes[self.nodes[one].parents[0]]
            here = self.tip(branch)
            added = {id: script for id, script in now.revisions.items() if id not in old.revisions}
            if added.keys() & here.revisions.keys():
                continue
            columns = (here.columns - (old.columns - now.columns)) | (now.columns - old.columns)
            moves = here.moves + now.moves - old.moves
            put = replace(
                here,
                revisions={**here.revisions, **added},
                columns=columns,
                moves=moves,
                remark=max(here.remark, now.remark),
            )
            self._advance(branch, _stacked(put, here, now))

    def squash(self, branch: str, other: str) -> None:
        """``git merge --squash``: all of another branch in one commit."""
        ours, theirs = self.tip(branch), self.tip(other)
        merged = self._merged(ours, theirs, self._fork(self.branches[branch], self.branches[other]), lose=9)
        # A place that only a side ever had, between two that the line had, is not followed.
        if merged.files != ours.files and merged.moves - ours.moves < 2:
            self._advance(branch, _stacked(merged, ours, theirs))

    def _merged(self, ours: Node, theirs: Node, fork: int, *, lose: int) -> Node:
        gone = self.nodes[fork].columns - (ours.columns & theirs.columns)
        both = (ours.columns | theirs.columns) - gone
        columns = {0: ours.columns, 1: theirs.columns}.get(lose, both)
        remark = {0: ours.remark, 1: theirs.remark}.get(lose, max(ours.remark, theirs.remark))
        return replace(
            ours,
            revisions={**theirs.revisions, **ours.revisions},
            columns=columns,
            remark=remark,
            moves=max(ours.moves, theirs.moves),
        )

    def _joined(self, node: Node) -> Node:
        heads = node.heads()
        if len(heads) < 2:
            return node
        merge = Revision(id=f"m{self._next():03}", parents=heads)
        return replace(node, revisions={**node.revisions, merge.id: merge})

    def _join_heads(self, branch: str) -> None:
        if len(self.tip(branch).heads()) > 1:
            self._advance(branch, self._joined(self.tip(branch)))

    def _branch(self, branch: str) -> None:
        self.branches[f"b{self._next()}"] = self.branches[branch]

    def _change(self, branch: str, **values: object) -> None:
        self._advance(branch, replace(self.tip(branch), **values))  # type: ignore[arg-type]

    def _advance(self, branch: str, node: Node) -> None:
        self._commit(branch, replace(node, parents=(self.branches[branch],)))

    def _commit(self, branch: str, node: Node) -> None:
        self.nodes.append(node)
        self.branches[branch] = len(self.nodes) - 1

    def _fork(self, one: int, other: int) -> int:
        return max(self.above(one) & self.above(other))

    def above(self, at: int) -> set[int]:
        """A commit and all that it comes from."""
        seen, todo = {at}, [at]
        while todo:
            for parent in self.nodes[todo.pop()].parents:
                if parent not in seen:
                    seen.add(parent)
                    todo.append(parent)
        return seen

    def _pick(self, names: list[str]) -> str:
        return names[self._number(len(names))]

    def _number(self, below: int) -> int:
        return self.random.randrange(below)

    def _next(self) -> int:
        self.counter += 1
        return self.counter


def _stacked(merged: Node, ours: Node, theirs: Node) -> Node:
    """The other side's first revisions on top of ours, their records as they were."""
    heads = ours.heads()
    revisions = dict(merged.revisions)
    for id, revision in theirs.revisions.items():
        if id in ours.revisions or not set(revision.parents) <= ours.revisions.keys():
            continue
        revisions[id] = replace(revision, parents=heads)
    return replace(merged, revisions=revisions)


@dataclass
class Told:
    """A finished history: the commit ids, and HEAD's branch."""

    play: Play
    ids: list[CommitId]
    head: int

    @property
    def node(self) -> Node:
        return self.play.nodes[self.head]

    @cached_property
    def reachable(self) -> list[int]:
        return sorted(self.play.above(self.head))

    @cached_property
    def line(self) -> list[int]:
        found = [self.head]
        while self.play.nodes[found[-1]].parents:
            found.append(self.play.nodes[found[-1]].parents[0])
        return found[::-1]

    def loud(self, revisions: frozenset[str]) -> frozenset[str]:
        """Without merges that do nothing."""
        known = self.node.revisions
        return frozenset(id for id in revisions if id not in known or not known[id].is_merge)

    def at_state(self, state: frozenset[str]) -> set[CommitId]:
        """The commits that have just these revisions."""
        wanted = self.loud(state)
        held = {n: self.loud(frozenset(self.play.nodes[n].revisions)) for n in self.reachable}
        return {self.ids[n] for n, there in held.items() if there == wanted}

    def never_moved(self, revision: str) -> bool:
        """Whether all commits that have a revision have today's revisions below it."""
        now = self.node.below(revision)
        nodes = (self.play.nodes[n] for n in self.reachable)
        return all(node.below(revision) == now for node in nodes if revision in node.revisions)


def told(play: Play, top: Path) -> Told:
    """Write a history into a new repository at ``top``, with one of its branches checked out."""
    env = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q", "-b", "main", str(top)], check=True, env=env)
    marks = top / ".git" / "marks"
    stream = "".join(_stream(play)).encode()
    command = ["git", "-C", str(top), "fast-import", "--quiet", f"--export-marks={marks}"]
    subprocess.run(command, input=stream, check=True, env=env)
    found = dict(line.split() for line in marks.read_text().splitlines())
    ids = [CommitId(found[f":{number + 1}"]) for number in range(len(play.nodes))]
    return Told(play=play, ids=ids, head=max(play.branches.values(), key=lambda tip: len(play.above(tip))))


def _stream(play: Play) -> Iterator[str]:
    for number, node in enumerate(play.nodes):
        yield f"commit refs/heads/x{number}\nmark :{number + 1}\n"
        yield f"committer A <a@example.org> {1_700_000_000 + number} +0000\ndata 1\nx\n"
        for word, parent in zip(("from", "merge"), node.parents, strict=False):
            yield f"{word} :{parent + 1}\n"
        yield "deleteall\n"
        for path, text in node.files.items():
            yield f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n"


def check(history: Told, repository: Repository, *, schemas_known: bool) -> int:
    """Compare every tie with the naive model; how many were verified."""
    node = history.node
    places = TrackedPlaces(versions=(node.versions,), models=with_other_forms([node.models_path]))
    found = read_history(repository, history.ids[history.head], places)
    scripts = [read_script(f"v/{id}.py", one.text) for id, one in node.revisions.items()]
    graph = Graph.of([script for script in scripts if isinstance(script, Script)])
    silent = frozenset(RevisionId(id) for id, one in node.revisions.items() if one.is_merge)
    nodes = [history.play.nodes[n] for n in history.reachable]
    schemas = {one.digest: schema_of(one.columns) for one in nodes} if schemas_known else {}
    replayed = replay(graph, found, silent)
    derivation = Derivation(graph=graph, replayed=replayed, schemas=schemas, silent=silent)
    states: set[tuple[str, ...]] = {(id,) for id in node.revisions}
    several = [one.heads() for one in nodes if len(one.heads()) > 1]
    states |= {heads for heads in several if node.revisions.keys() >= set(heads)}
    verified = 0
    for heads in sorted(states):
        tie = derivation.of(tuple(RevisionId(head) for head in heads))
        _agrees(history, heads, tie)
        verified += tie.state is TieState.VERIFIED
    return verified


def _agrees(history: Told, heads: tuple[str, ...], tie: Tie) -> None:
    node, state = history.node, history.node.below(*heads)
    first = next(n for n in history.line if heads[0] in history.play.nodes[n].revisions)
    assert tie.introduced == history.ids[first], (heads, tie)
    exact = history.at_state(state)
    if exact:
        assert tie.models_commit in exact, (heads, tie, exact)
    if tie.state is TieState.VERIFIED:
        assert tie.models_commit is not None
        models = history.play.nodes[history.ids.index(tie.models_commit)]
        # Whoever says verified says that these models are what the revisions lead to, with every side.
        assert models.columns in node.true_columns(state), (heads, tie)
    recorded = node.revisions[heads[0]].header.models
    same = [id for id in exact if history.play.nodes[history.ids.index(id)].digest == recorded]
    if len(heads) == 1 and same and history.never_moved(heads[0]):
        assert tie.state is TieState.VERIFIED, (heads, tie)

"""Scratch databases with the models of one revision after the other, for a replay to compare itself with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from gitmig.core.ddl import statements
from gitmig.core.revisions.graph import Graph
from gitmig.core.schema.facets import Schema, difference
from gitmig.core.ties import Tie, TieState
from gitmig.errors import GitmigError
from gitmig.facts.schema_history import SchemaHistory
from gitmig.facts.ties import Ties
from gitmig.git.trees import Tree
from gitmig.judging.described import make
from gitmig.judging.proof import scratch_database
from gitmig.judging.scratch import Scratch
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.rpc.protocol import Json, a_text, lists_of_texts
from gitmig.wire.values import CommitId, RevisionId

_TRIED = 4
"""Commits that are tried where it is not sure which one has a revision's models."""


@dataclass(frozen=True, slots=True)
class CandidateModels:
    """Models that a revision may have been made for; ``commit`` None: those of the work tree."""

    tree: Tree
    commit: CommitId | None


@dataclass(slots=True)
class ModelsOnDemand:
    """Answers the worker's ``models``; one database at a time."""

    project: Project
    graph: Graph
    place: Scratch
    mother: Worker
    """A worker that is asked for nothing: others are forked from it."""
    history: SchemaHistory
    empty: str | None = None
    """On PostgreSQL a scratch database that stays empty: what is made in it is rolled back."""
    used: dict[RevisionId, CommitId | None] = field(default_factory=dict)
    """The commit whose models were handed out last for each revision."""
    reasons: dict[RevisionId, str] = field(default_factory=dict)
    """Why there are none."""
    _stack: ExitStack = field(default_factory=ExitStack)
    _made_so_far: int = 0
    _first: dict[RevisionId, CommitId | None] = field(default_factory=dict)

    def answer(self, ask: Json) -> Json:
        """A scratch database with the models of a revision, its next candidate's for each attempt.

        Unless ``exact`` is asked for, and if the candidate's schema is known, the statements that make one.
        """
        self.close()
        revision, attempt = RevisionId(a_text(ask["revision"])), int(str(ask["attempt"]))
        candidates = self.candidates(revision)
        if not ask["exact"] and attempt < len(candidates):
            made = self._by_statements(revision, candidates[attempt], ask)
            if made is not None:
                return made
        for number, candidate in enumerate(candidates[attempt:]):
            try:
                answer = self._made(candidate)
            except GitmigError as error:
                self.close()
                if attempt == 0 and number == 0:
                    self.reasons[revision] = _why(candidate, error)
                continue
            self.used[revision] = candidate.commit
            self._first.setdefault(revision, candidate.commit)
            self.reasons.pop(revision, None)
            return answer
        if revision in self._first:
            # None is equal: the best guess is what is shown.
            self.used[revision] = self._first[revision]
        elif revision not in self.reasons:
            self.reasons[revision] = self._in_no_commit()
        return {}

    def _in_no_commit(self) -> str:
        repository = self.project.repository
        if repository is not None and repository.is_shallow():
            return "its models may be in a commit that this clone does not have: git fetch --unshallow"
        return "its models are in no commit"

    def start(self, revision: RevisionId, url: str) -> bool:
        """Make the tables of a revision's models in an empty database; whether that was possible."""
        for candidate in self.candidates(revision)[:1]:
            try:
                with self._worker(candidate) as worker:
                    make(worker, url)
                return True
            except GitmigError:
                return False
        return False

    def is_sure(self, revision: RevisionId) -> bool:
        """Whether it is known which models a revision was made for."""
        tie = self._ties().get(revision)
        return tie is not None and tie.state is TieState.VERIFIED

    def candidates(self, revision: RevisionId) -> tuple[CandidateModels, ...]:
        """The models that a revision may have been made for, the likeliest first."""
        tie = self._ties().get(revision)
        if tie is None or tie.state is TieState.UNCOMMITTED:
            tree = self.project.work_tree
            return (CandidateModels(tree, None),) if revision in self.graph.heads else ()
        if tie.models_commit is None:
            return ()
        commits = [tie.models_commit]
        if tie.state is TieState.APPROXIMATE:
            commits += [c for c in reversed(tie.candidates) if c != tie.models_commit]
        return tuple(CandidateModels(self.project.commit_tree(c), c) for c in commits[:_TRIED])

    def close(self) -> None:
        """Drop the database that was handed out last."""
        self._stack.close()

    def _ties(self) -> Mapping[RevisionId, Tie]:
        repository = self.project.repository
        has_head = repository is not None and repository.head() is not None
        return Ties(project=self.project).all() if has_head else {}

    def _by_statements(self, revision: RevisionId, candidate: CandidateModels, ask: Json) -> Json | None:
        if candidate.commit is None:
            return None
        self.history.learn_commits([candidate.commit])
        schema = self.history.of_commit(candidate.commit)
        if schema is None:
            return None
        self.used[revision] = candidate.commit
        alike = None if ask["alike"] is None else self.history.of_commit(CommitId(a_text(ask["alike"])))
        tables = None
        if alike is not None and alike.dialect == schema.dialect:
            # What neither the models nor the database have changed since was compared then.
            changed = {change.key.table for change in difference(alike, schema)}
            tables = _with_referred(schema, changed.union(*lists_of_texts([ask["changed"]])))
            kept = {key: ddl for key, ddl in schema.facets.items() if not key.table or key.table in tables}
            schema = replace(schema, facets=kept)
        return {
            "sql": list(statements(replace(schema, facets={}), schema)),
            "place": self.empty,
            "excluded": [],
            "like": [[key.kind, key.table, key.name, ddl] for key, ddl in schema.facets.items()],
            "commit": candidate.commit,
            "tables": None if tables is None else sorted(tables),
        }

    def _made(self, candidate: CandidateModels) -> Json:
        worker = self._stack.enter_context(self._worker(candidate))
        self._made_so_far += 1
        name = f"models-{self._made_so_far}"
        url = self._stack.enter_context(scratch_database(self.place, [worker], name))
        made = make(worker, url)
        return {"url": url, "excluded": list(made.excluded), "like": made.like}

    def _worker(self, candidate: CandidateModels) -> Worker:
        tree = None if candidate.tree is self.project.work_tree else candidate.tree
        return self.project.workers.start_like(self.mother, tree)


def _with_referred(schema: Schema, tables: Set[str]) -> set[str]:
    """The tables, and those that they refer to: a server does not make them without."""
    referring: dict[str, str] = {}
    for key, ddl in schema.facets.items():
        if key.kind == "foreign key":
            referring[key.table] = f"{referring.get(key.table, '')} {ddl.partition('REFERENCES')[2]}"
    names = {key.table for key in schema.facets if key.kind == "table"}
    found, pending = set(tables), list(tables)
    while pending:
        words = set(re.findall(r"\w+", referring.get(pending.pop(), "")))
        more = {name for name in names - found if words.intersection(re.findall(r"\w+", name))}
        found |= more
        pending += more
    return found


def _why(candidate: CandidateModels, error: GitmigError) -> str:
    whose = f"the models of {candidate.commit[:8]}" if candidate.commit is not None else "the models"
    return f"{whose}: {error.message}"

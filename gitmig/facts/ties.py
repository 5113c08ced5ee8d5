"""The ties of a project: facts of its history and of the cache, put through :mod:`gitmig.core.ties`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gitmig.core.paths import present, with_other_forms
from gitmig.core.replay import state_key
from gitmig.core.revisions.graph import Graph, in_repository
from gitmig.core.schema.facets import Schema, change_digest, difference
from gitmig.core.ties import Tie, TieState
from gitmig.errors import ProjectCodeError
from gitmig.facts.past import Past
from gitmig.facts.schemas import Schemas
from gitmig.git.contents import content_digest
from gitmig.git.trees import Tree
from gitmig.project.project import Project
from gitmig.wire.values import CommitId, RevisionId

Heads = tuple[RevisionId, ...]
SchemaOf = Callable[[CommitId], Schema | None]

_LOOKED_UP = 40
"""Candidates whose schema is looked up in the cache for one listing: each costs a look into its tree."""
_SEVERAL = 2
_COMPUTED = 8
"""Candidates whose schema is computed to settle one tie: each costs an import of old models."""
_ELSEWHERE = ("--branches", "--tags", "--remotes", "--reflog")
"""Where a commit may be that is not in the history of what is checked out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """Where a project's ties come from."""

    project: Project
    at: CommitId | None = None
    """The commit whose revisions and history are meant; by default the work tree's and HEAD's."""

    def all(self) -> Mapping[RevisionId, Tie]:
        """The tie of every revision; imports nothing."""
        memory = self.project.memory.setdefault("ties", {})
        assert isinstance(memory, dict)
        if self.at not in memory:
            memory[self.at] = self._derived()
        found: Mapping[RevisionId, Tie] = memory[self.at]
        return found

    def of(self, heads: Heads) -> Tie:
        """The tie of the state of the database with these heads; imports nothing."""
        known = self.all()
        heads = in_repository(self._past.graph, heads) or heads
        if len(heads) == 1 and heads[0] in known:
            return known[heads[0]]
        if self._past.head is None:
            return Tie(revision=heads[0], state=TieState.UNCOMMITTED)
        self._look_up(self._past.derivation().of(heads).undecided)
        return self._borne_out(heads, self._past.derivation().of(heads), known, self._cached)

    def owners(self, content: str | None) -> tuple[Heads, ...]:
        """The states whose models have just this content digest, newest first; imports nothing."""
        if content is None or self._past.head is None:
            return ()
        graph, known = self._past.graph, self.all()
        singles = [
            (revision,)
            for revision in reversed(graph.topological())
            # Few have this content: only those are looked at closely.
            if graph.scripts[revision].outside
            or (
                (tie := known.get(revision))
                and tie.models_commit
                and self._past.content(tie.models_commit) == content
            )
        ]
        return tuple(
            heads
            for heads in (graph.heads, *singles, *reversed(self._past.plain().several))
            if heads
            and (commit := self.of(heads).models_commit) is not None
            and self._past.content(commit) == content
        )

    def same(self, one: Sequence[RevisionId], other: Sequence[RevisionId]) -> bool:
        """Whether two states differ in nothing but revisions that do nothing."""
        graph, silent = self._past.graph, self._past.silent()
        return state_key(graph, one, silent) == state_key(graph, other, silent)

    def line(self) -> tuple[tuple[CommitId, bool], ...]:
        """The commits of the first-parent line that change revisions or models, oldest first.

        With each, whether the models files differ from those before.
        """
        history = self._past.history()
        found: list[tuple[CommitId, bool]] = []
        content: str | None = None
        for fact in (history.facts[place] for place in history.line):
            found.append((fact.commit, fact.models is not None and fact.models != content))
            content = fact.models or content
        return tuple(found)

    def models_changed_since(self, commit: CommitId) -> tuple[CommitId, ...]:
        """The later commits of the line whose models files differ from those before, oldest first."""
        line = self.line()
        begin = next((place for place, (one, _) in enumerate(line) if one == commit), len(line))
        return tuple(one for one, changed in line[begin + 1 :] if changed)

    def settled(self, heads: Heads) -> Tie:
        """The tie of a state, the schemas of its undecided candidates computed if they import."""
        schemas = Schemas(project=self.project)
        for _ in range(_COMPUTED):
            if not self._computed(schemas, self.of(heads).undecided):
                break
            self.project.memory.pop("ties", None)
        known = self.all()
        return self._borne_out(heads, self.of(heads), known, lambda commit: self._schema(schemas, commit))

    def elsewhere(self, heads: Heads) -> Tie:
        """The tie of a state by all that git has: other branches, and what the reflog remembers.

        Commits that were squashed into one are there. Never verified: nobody merged these models.
        """
        tie = self._past.derivation(_ELSEWHERE).of(heads)
        return tie if tie.models_commit is None else replace(tie, state=TieState.APPROXIMATE)

    def is_candidate(self, heads: Heads, content: str | None) -> bool:
        """Whether a candidate for the models of a state has this content digest."""
        return any(self._past.content(commit) == content for commit in self.of(heads).candidates)

    def has_elsewhere(self, heads: Heads, content: str | None) -> bool:
        """Whether the models that :meth:`elsewhere` finds have this content digest."""
        commit = self.elsewhere(heads).models_commit
        return commit is not None and self._past.content(commit) == content

    def speaks_for(self, head: RevisionId, heads: Heads) -> bool:
        """Whether the record of a head was written for this state, or is in no commit yet."""
        if self._past.head is None:
            return True
        return self._past.derivation().speaks_for(head, heads)

    def is_record_committed(self, head: RevisionId) -> bool:
        """Whether a commit has the record of a head as it is now."""
        return self._past.head is not None and head in self._past.derivation().replayed.written

    def models_in(self, tree: Tree) -> tuple[str, ...]:
        """The paths at which a tree has the models, which may have lain elsewhere then."""
        models = self.project.models
        if all(tree.exists(path) for path in models):
            return models
        known = self._past.history().models
        return present(known or with_other_forms(models), tree.exists)

    def _computed(self, schemas: Schemas, undecided: Sequence[CommitId]) -> bool:
        """Compute the schema of the first commit that is not known; whether there was one."""
        for commit in undecided:
            if self._past.known(commit) is None and commit not in self._past.memory.failed:
                self._schema(schemas, commit)
                return True
        return False

    def _schema(self, schemas: Schemas, commit: CommitId) -> Schema | None:
        """The schema of a commit's models; None if they do not import any more."""
        if commit in self._past.memory.failed:
            return None
        try:
            schema = schemas.of(self.project.commit_tree(commit))
        except ProjectCodeError:
            # Old models often do not import under today's dependencies.
            self._past.memory.failed.add(commit)
            return None
        self._past.learn(commit, schema)
        return schema

    def _derived(self) -> Mapping[RevisionId, Tie]:
        graph = self._past.graph
        if self._past.head is None:
            return {r: Tie(revision=r, state=TieState.UNCOMMITTED) for r in graph.scripts}
        # What is known of schemas may settle what the history alone leaves open.
        ties = self._past.derivation().all() if self._past.memory.schemas else self._past.plain().ties
        if self._look_up([commit for tie in ties.values() for commit in tie.undecided]):
            ties = self._past.derivation().all()
        found = dict(ties)
        for revision in self._doubtful(graph, ties):
            found[revision] = self._borne_out((revision,), ties[revision], found, self._cached)
        return found

    def _doubtful(self, graph: Graph, ties: Mapping[RevisionId, Tie]) -> list[RevisionId]:
        """The newest revisions that a record may speak for by what it changes alone, oldest first."""
        found = [
            revision
            for revision in reversed(graph.topological())
            if ties[revision].state is TieState.APPROXIMATE
            and (graph.scripts[revision].header.change is not None or revision in self._past.silent())
        ]
        return found[:_LOOKED_UP][::-1]

    def _borne_out(self, heads: Heads, tie: Tie, known: Mapping[RevisionId, Tie], schema_of: SchemaOf) -> Tie:
        """A guess as verified, if its commit has what one of the heads changes, and else what is below it.

        Who puts a revision on top of another one edits its parent, and not its record; a merge has no
        record at all. ``known`` are the ties of single revisions.
        """
        if tie.state is not TieState.APPROXIMATE or tie.models_commit is None:
            return tie
        for head, below in self._parts(heads):
            change = self._past.graph.scripts[head].header.change
            then = self._schema_below(below, known, schema_of) if change is not None else None
            now = schema_of(tie.models_commit) if then is not None else None
            if then is not None and now is not None and change_digest(difference(then, now)) == change:
                return replace(tie, state=TieState.VERIFIED, re_parented=True)
        return tie

    def last(self, heads: Heads) -> Heads:
        """The revisions that could have come last to a state; merges that do nothing are passed over."""
        return tuple(last for last, _ in self._parts(heads))

    def _parts(self, heads: Heads) -> Iterator[tuple[RevisionId, Heads]]:
        """Each revision that could have come last to a state, and the heads without it."""
        graph, silent = self._past.graph, self._past.silent()
        if len(heads) == 1 and heads[0] in graph.scripts:
            below = graph.parents[heads[0]]
            # Most lines are plain: nobody has to walk down to the base.
            if len(below) < _SEVERAL and silent.isdisjoint((*heads, *below)):
                yield heads[0], below
                return
        there = graph.ancestors(heads) - silent
        for head in heads:
            for last in graph.tips(graph.ancestors([head]) - silent):
                # What follows a merge that does nothing follows what that merges.
                if not (graph.descendants([last]) & there) - {last}:
                    yield last, graph.tips(there - {last})

    def _schema_below(
        self, heads: Heads, known: Mapping[RevisionId, Tie], schema_of: SchemaOf
    ) -> Schema | None:
        """The schema of a state's models, if they are verified."""
        if not heads:
            return None
        tie = known.get(heads[0]) if len(heads) == 1 else None
        tie = tie or self._borne_out(heads, self._past.derivation().of(heads), known, schema_of)
        if tie.state is not TieState.VERIFIED or tie.models_commit is None:
            return None
        return schema_of(tie.models_commit)

    def _look_up(self, commits: Sequence[CommitId]) -> bool:
        """Look for the schemas of commits in the cache; whether one was found that was not known."""
        waiting = [commit for commit in commits if self._past.known(commit) is None]
        return any([self._cached(commit) is not None for commit in waiting[:_LOOKED_UP]])

    def _cached(self, commit: CommitId) -> Schema | None:
        schema = Schemas(project=self.project).cached(self.project.commit_tree(commit))
        if schema is not None:
            self._past.learn(commit, schema)
        return schema

    @property
    def _past(self) -> Past:
        return Past(project=self.project, at=self.at)


def models_digest(project: Project, tree: Tree) -> str | None:
    """The content digest of the models in a tree, wherever it has them; None if it has none."""
    return content_digest(tree, Ties(project=project).models_in(tree)) if project.models else None

"""What a person may name to be looked at: a ref, the index, the work tree, a revision, the database."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header
from gitmig.core.schema.facets import Schema
from gitmig.core.ties import TieState
from gitmig.errors import AmbiguousRevision, Refused, UnknownRef, UnknownRevision
from gitmig.facts.schemas import Schemas
from gitmig.facts.ties import Ties
from gitmig.git.trees import Tree
from gitmig.project.project import Project
from gitmig.wire.values import CommitId, RevisionId, short

DATABASE, WORK_TREE, INDEX, NOTHING = "db", ".", ":", "base"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedSide:
    """One thing to compare."""

    word: str
    """As it was named."""
    label: str
    """As messages call it."""
    tree: Tree | None = None
    """Whose models they are; None for the database, for nothing, and where only a record is known."""
    commit: CommitId | None = None
    revision: RevisionId | None = None
    recorded: Schema | None = None
    """The schema that a revision's record names, if it is in the cache."""
    warning: str | None = None

    @property
    def is_database(self) -> bool:
        """Whether the live database is meant."""
        return self.word == DATABASE

    @property
    def is_nothing(self) -> bool:
        """Whether the empty schema is meant: that of ``base``."""
        return self.word == NOTHING


def side(project: Project, word: str) -> ComparedSide:
    """What a word names. ``db`` is always the database, and a whole revision id always that revision.

    Raises UnknownRef for what is neither a ref nor a revision, Refused for a revision whose models are in no
    commit, NoRepository where there is no git to ask.
    """
    match word:
        case "db":
            return ComparedSide(word=word, label="the database")
        case ".":
            return ComparedSide(word=word, label="the work tree", tree=project.work_tree)
        case ":":
            return ComparedSide(word=word, label="the index", tree=_index(project))
        case "base":
            return ComparedSide(word=word, label="base")
    graph = project.graph()
    if RevisionId(word) in graph.scripts or word in ("head", "heads"):
        return of_revision(project, graph, _one(graph, word), word)
    if project.repository is None:
        return of_revision(project, graph, _one(graph, word), word)
    try:
        commit = project.git.resolve(word)
    except UnknownRef:
        return of_revision(project, graph, _revision(graph, word), word)
    label = word if short(commit).startswith(word[:8]) else f"{word} ({short(commit)})"
    return ComparedSide(word=word, label=label, tree=project.commit_tree(commit), commit=commit)


def of_revision(
    project: Project, graph: Graph, revision: RevisionId, word: str | None = None
) -> ComparedSide:
    """The models that a revision was made for: those of its tie; of an uncommitted head the work tree's.

    Raises Refused if they are in no commit.
    """
    script = graph.scripts[revision]
    recorded = _recorded(project, script.header)
    tie = Ties(project=project).settled((revision,)) if _has_commits(project) else None
    if tie is None or tie.state is TieState.UNCOMMITTED:
        tree = project.work_tree if revision in graph.heads else None
        commit = None
    else:
        commit = tie.models_commit
        tree = project.commit_tree(commit) if commit is not None else None
    if tree is None and recorded is None:
        raise Refused(f"the models of {revision} are in no commit", hint="gitmig log")
    doubtful = tie is not None and tie.state is TieState.APPROXIMATE and commit is not None
    return ComparedSide(
        word=word or revision,
        label=f"revision {revision}",
        tree=tree,
        commit=commit,
        revision=revision,
        recorded=recorded,
        warning=f"not sure which commit has the models of {revision}; best guess: {short(commit)}"
        if doubtful and commit is not None
        else None,
    )


def schemas_of(project: Project, sides: tuple[ComparedSide, ComparedSide]) -> tuple[Schema, Schema]:
    """The schemas of two sides that are not the database, both of one dialect and one SQLAlchemy.

    From the cache where they are known. Raises ProjectCodeError where models do not import, Refused where
    the two are for different databases.
    """
    schemas = Schemas(project=project)
    known = {
        place: found
        for place, one in enumerate(sides)
        if (found := one.recorded or (schemas.cached(one.tree) if one.tree is not None else None))
    }
    if len(known) == 2 and not _comparable(known[0], known[1]):
        known = {place: found for place, found in known.items() if sides[place].tree is None}
    missing = [place for place in (0, 1) if place not in known and sides[place].tree is not None]
    trees = [tree for place in missing if (tree := sides[place].tree) is not None]
    known.update(zip(missing, schemas.all_of(trees), strict=True))
    like = next(iter(known.values()), None) or schemas.of(project.work_tree)
    one, two = (known.get(place) or Schema(like.dialect, like.sqlalchemy, {}) for place in (0, 1))
    if one.dialect != two.dialect:
        raise Refused(
            f"{sides[0].label} is for {one.dialect}, {sides[1].label} for {two.dialect}: "
            "their schemas cannot be compared",
            hint="compare two commits that are for one database",
        )
    return one, two


def _comparable(one: Schema, other: Schema) -> bool:
    return (one.dialect, one.sqlalchemy) == (other.dialect, other.sqlalchemy)


def _index(project: Project) -> Tree:
    unmerged = project.git.unmerged()
    if unmerged:
        raise Refused(f"{unmerged[0]} is in conflict: the index holds no version of it", hint="git mergetool")
    return project.index


def _has_commits(project: Project) -> bool:
    return project.repository is not None and project.repository.head() is not None


def _recorded(project: Project, header: Header) -> Schema | None:
    if header.schema is None:
        return None
    found = Schemas(project=project).cache.schema(header.schema)
    return found if found is not None and found.sqlalchemy == header.sqlalchemy else None


def _one(graph: Graph, word: str) -> RevisionId:
    found = graph.resolve(word)
    if len(found) != 1:
        raise AmbiguousRevision(f"{word} is not one revision", hint="name one: gitmig log")
    return found[0]


def _revision(graph: Graph, word: str) -> RevisionId:
    try:
        return _one(graph, word)
    except UnknownRevision:
        close = difflib.get_close_matches(word, [*graph.scripts, *graph.labels], n=1)
        hint = f"did you mean {close[0]}?" if close else "gitmig log; git branch --all"
        raise UnknownRef(f"neither a commit nor a revision: {word!r}", hint=hint) from None

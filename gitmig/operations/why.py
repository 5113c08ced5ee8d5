"""``why``: the revisions and commits that made a table or a column what it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gitmig.core.blame import Blamed, BlamedName, blame, similar, subjects
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import FacetChange, FacetKey
from gitmig.core.ties import Tie
from gitmig.errors import UsageError
from gitmig.facts.schema_history import SchemaHistory
from gitmig.git import commits as git_commits
from gitmig.git.commits import Author, Commit, authors
from gitmig.project.project import Project
from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One revision (``script`` None: the work tree, in no revision yet) and what it did."""

    blamed: Blamed
    script: Script | None
    tie: Tie | None = None
    commit: Commit | None = None
    """The commit that brought the revision."""
    author: Author | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What ``why`` says, newest first."""

    subject: BlamedName
    exists: bool
    """Whether the models still have it."""
    reasons: tuple[Reason, ...]
    unknown: tuple[tuple[RevisionId, str | None], ...]
    """The revisions of which nobody knows what they changed, with the reason if there is one."""


def why(project: Project, word: str) -> Why:
    """Look through all revisions of the work tree. Old models are imported once in a clone, then cached.

    Raises UsageError for what no revision has ever had, and what means several things; NoRepository.
    """
    _ = project.git  # what was is in its history alone
    graph = project.graph()
    graph.require_sound(frozenset(graph.scripts))
    history = SchemaHistory(project, graph)
    newest_first = tuple(reversed(graph.topological()))
    history.learn(newest_first)
    changes: list[tuple[RevisionId | None, Sequence[FacetChange]]] = []
    unknown: list[tuple[RevisionId, str | None]] = []
    for revision in newest_first:
        found = history.change(revision)
        if found is None:
            unknown.append((revision, history.why_unknown(revision)))
        else:
            changes.append((revision, found))
    ahead = history.ahead()
    subject = _subject(word, [change.key for _, several in [*changes, (None, ahead)] for change in several])
    blamed = blame(subject, [(None, ahead), *changes])
    return Why(
        subject=subject,
        exists=bool(blamed) and not _is_gone(blamed[0], subject),
        reasons=tuple(_reasons(project, history, blamed)),
        unknown=tuple(unknown),
    )


def _subject(word: str, keys: Sequence[FacetKey]) -> BlamedName:
    found = subjects(word, keys)
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise UsageError(f"{word} may mean {names}", hint=f"gitmig why {found[-1].name}")
    if not found:
        close = similar(word, keys)
        raise UsageError(
            f"no revision has a table or column {word!r}",
            hint=f"did you mean {close}?" if close else "gitmig diff base . lists all there are",
        )
    return found[0]


def _is_gone(last: Blamed, subject: BlamedName) -> bool:
    key = FacetKey("table", subject.table, "")
    if subject.column is not None:
        key = FacetKey("column", subject.table, subject.column)
    return any(change.key == key and change.after is None for change in last.changes)


def _reasons(project: Project, history: SchemaHistory, blamed: Sequence[Blamed]) -> Iterator[Reason]:
    ties = [history.ties.get(one.revision) for one in blamed if one.revision is not None]
    ids = [tie.introduced for tie in ties if tie is not None and tie.introduced is not None]
    commits = git_commits.info(project.git, ids) if ids else {}
    wrote = authors(project.git, ids) if ids else {}
    for one in blamed:
        if one.revision is None:
            yield Reason(blamed=one, script=None)
            continue
        tie = history.ties.get(one.revision)
        introduced = tie.introduced if tie is not None else None
        yield Reason(
            blamed=one,
            script=history.graph.scripts[one.revision],
            tie=tie,
            commit=commits.get(introduced) if introduced is not None else None,
            author=wrote.get(introduced) if introduced is not None else None,
        )

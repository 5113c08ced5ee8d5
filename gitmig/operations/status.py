"""``status``: where database, checkout and models stand, recomputed every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gitmig.applied.drift import Recorded, edited_scripts, recorded
from gitmig.applied.missing import has_scripts
from gitmig.applied.squashed import squashes, with_squashed
from gitmig.core.codes import Finding, Severity
from gitmig.core.database_findings import (
    database_findings,
    edited,
    in_progress,
    interrupted,
    other_findings,
    redone,
    uncommitted,
)
from gitmig.core.findings import graph_findings, has_errors, rolled_back, with_severities
from gitmig.core.revisions.graph import Graph, in_repository
from gitmig.core.revisions.programs import program_digest
from gitmig.core.revisions.scripts import Script
from gitmig.core.ties import Tie
from gitmig.errors import ProjectCodeError
from gitmig.facts.models_state import ModelsPlace, models_place
from gitmig.facts.schemas import Schemas
from gitmig.facts.ties import Ties
from gitmig.git.trees import Tree
from gitmig.hooks.clone import clone_notes
from gitmig.hooks.notes import note_seen
from gitmig.judging.base import base_of
from gitmig.operations.check import models_compared
from gitmig.project.head_file import head_path
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.state.command_lock import at_work
from gitmig.state.journal import read_journal
from gitmig.wire.values import CommitId, DatabaseState, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What ``status`` says."""

    database: DatabaseState
    known: bool
    """Whether the checkout has the database's revisions."""
    commit: CommitId | None
    branch: str | None
    heads: tuple[RevisionId, ...]
    models: tuple[str, ...]
    place: ModelsPlace
    findings: tuple[Finding, ...]
    hint: str | None
    """The one command that brings everything in step, None if everything is."""
    recorded: Recorded | None = None
    """What was recorded of the database, None if nothing was."""
    repository: bool = True
    """Whether there is a repository; without one nothing is known of commits and models."""
    tie: Tie | None = None
    """The tie of the state that the database is at."""
    messages: tuple[tuple[RevisionId, str], ...] = ()
    notes: tuple[str, ...] = ()
    """What is amiss with this clone itself, though all is in step."""
    labels: tuple[tuple[RevisionId, tuple[str, ...]], ...] = ()
    """The branch labels of the heads that have any, of database and checkout."""

    @property
    def in_step(self) -> bool:
        """Whether database, checkout and models agree."""
        return self.hint is None


def status(project: Project) -> Status:
    """Read database and repository. Changes nothing; runs env.py and the models, as Alembic does.

    Raises SettingsError for a configured models file that is nowhere, ProjectCodeError if the models
    do not import, DatabaseUnreachable.
    """
    unmerged = project.repository.unmerged() if project.repository is not None else ()
    with project.workers.one(_importable(project, unmerged) or project.whole_code()) as worker:
        worker.begin_heads()
        project.require_models_found()
        graph = project.graph()
        place = _place(project, graph)
        database = worker.heads()
        note_seen(project, database.name, database.heads)
        record = recorded(project, database)
        scripts = [edited(one.script, one.why) for one in edited_scripts(project, graph, database, record)]
        found = [*_findings(project, graph, place, database, worker, unmerged), *scripts]
        if has_errors(scripts):
            # `gitmig sync` also takes what was put on top of another by hand out of the version table.
            found = [one for one in found if one.code != "GM025"]
        findings = with_severities(found, project.settings.severity)
    ends = {*database.heads, *graph.heads}
    squashed = _squashed(graph)
    known = all(head in graph.scripts or head in squashed for head in database.heads)
    return Status(
        database=database,
        known=known,
        commit=project.commit,
        branch=project.repository.branch() if project.repository is not None else None,
        heads=graph.heads,
        models=project.models,
        place=place,
        findings=findings,
        # The head file's marks are what `gitmig rebase` resolves.
        hint=_hint(findings, in_conflict=bool({*unmerged} - {head_path(project)})),
        recorded=record,
        repository=project.repository is not None,
        tie=_tie(project, graph, database) if known else None,
        messages=_titles(graph, database),
        notes=_notes(project, database),
        labels=tuple((r, graph.labelled[r]) for r in sorted(ends) if r in graph.labelled),
    )


def _notes(project: Project, database: DatabaseState) -> tuple[str, ...]:
    repository = project.repository
    return clone_notes(repository, project.directory, database.name) if repository is not None else ()


def _titles(graph: Graph, database: DatabaseState) -> tuple[tuple[RevisionId, str], ...]:
    titles = {head: f"(squashed into {squash})" for head, squash in _squashed(graph).items()}
    titles |= {revision: script.title for revision, script in graph.scripts.items()}
    heads = dict.fromkeys((*database.heads, *graph.heads))
    return tuple((head, titles[head]) for head in heads if head in titles)


def _squashed(graph: Graph) -> dict[RevisionId, RevisionId]:
    """The old revisions with what they were squashed into."""
    return {old: script.revision for script in squashes(graph) for old in script.squashes}


def _importable(project: Project, unmerged: Sequence[str]) -> Tree | None:
    """The tree whose env.py can be asked for the database: not one with conflict marks in it."""
    if not unmerged or project.git.head() is None:
        return None
    return project.commit_tree(project.git.resolve("HEAD"))


def _tie(project: Project, graph: Graph, database: DatabaseState) -> Tie | None:
    """The tie of where the database is, if that is of this repository."""
    ours = in_repository(graph, database.heads)
    held = ours and all(head in graph.scripts for head in ours)
    return Ties(project=project).of(ours) if held and project.repository is not None else None


def _place(project: Project, graph: Graph) -> ModelsPlace:
    if project.repository is None:
        return ModelsPlace()
    return models_place(project, graph)


def _findings(
    project: Project,
    graph: Graph,
    place: ModelsPlace,
    database: DatabaseState,
    worker: Worker,
    unmerged: Sequence[str],
) -> tuple[Finding, ...]:
    problems = graph_findings(graph)
    operation = project.repository.operation() if project.repository is not None else None
    whole = with_squashed(project, graph, project.work_tree, database.heads)
    judged = (*database_findings(database, whole), *other_findings(database, whole))
    of_database = _with_way_back(project, whole, database, judged)
    found = [*_interrupted(project), *problems, *in_progress(operation, unmerged=unmerged), *of_database]
    if project.repository is None or problems or unmerged:
        return tuple(found)
    if place.rolled_back_to:
        return (*found, rolled_back(place.rolled_back_to, committing=False))
    found += _models_findings(project, graph, worker)
    held = _held(project)
    applied = graph.applied([head for head in database.heads if head in graph.scripts])
    found += uncommitted(sorted(applied - set(held)))
    found += redone(sorted(r for r in applied & set(held) if _redone(project, held[r], graph.scripts[r])))
    return tuple(found)


def _with_way_back(
    project: Project, graph: Graph, database: DatabaseState, findings: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    """GM010 with ``sync`` as its hint, if git has the scripts that the checkout lacks."""
    unknown = [head for head in database.heads if head not in graph.scripts]
    if not findings or not unknown or not has_scripts(project, database.environment, database.name, unknown):
        return findings
    return tuple(replace(finding, hint="gitmig sync") for finding in findings)


def _interrupted(project: Project) -> tuple[Finding, ...]:
    journal = read_journal(project.notes()) if project.repository is not None else None
    if journal is None or (project.repository is not None and at_work(project.repository)):
        return ()
    return (interrupted(journal.command),)


def _models_findings(project: Project, graph: Graph, worker: Worker) -> list[Finding]:
    schemas = Schemas(project=project)
    now = schemas.cached(project.work_tree) or schemas.with_worker(worker, project.work_tree).schema
    try:
        base = base_of(project, graph, graph.heads, like=now)
    except ProjectCodeError:
        return []  # old models that do not import any more prove nothing about today's
    return models_compared(project, graph, project.work_tree, base, now)


def _held(project: Project) -> Mapping[RevisionId, Script]:
    """The revisions of HEAD."""
    head = project.git.head()
    return project.graph(project.commit_tree(head)).scripts if head is not None else {}


def _redone(project: Project, committed: Script, now: Script) -> bool:
    """Whether it was drafted again; a record that ``tie`` writes leaves the program as it is."""
    if now.header.schema in (None, committed.header.schema):
        return False
    before = project.commit_tree(project.git.resolve("HEAD")).read(committed.path)
    return program_digest(before or b"") != program_digest(project.work_tree.read(now.path) or b"")


_ORDER = (
    "GM014",
    "GM006",
    "GM004",
    "GM005",
    "GM002",
    "GM016",
    "GM010",
    "GM017",
    "GM025",
    "GM019",
    "GM013",
    "GM011",
    "GM018",
    "GM001",
)


def _hint(findings: tuple[Finding, ...], *, in_conflict: bool) -> str | None:
    if in_conflict:
        # Whatever else is amiss, conflict marks come first; `gitmig rebase` takes its part in resolving them.
        findings = tuple(f for f in findings if f.code in ("GM014", "GM016") or f.hint == "gitmig rebase")
    amiss = [f for f in findings if f.severity is Severity.ERROR or f.code == "GM013"]
    ranked = sorted(amiss, key=lambda f: _ORDER.index(f.code) if f.code in _ORDER else len(_ORDER))
    return next((finding.hint for finding in ranked if finding.hint), None)

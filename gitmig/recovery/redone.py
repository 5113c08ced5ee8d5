"""Whether a database holds a revision's old form or its amended one: the version table says the same."""

from __future__ import annotations

from gitmig.core.revisions.effects import makes
from gitmig.core.revisions.scripts import Script, read_script_bytes
from gitmig.core.schema.facets import FacetChange, Schema, difference
from gitmig.facts.schemas import Schemas
from gitmig.project.graphs import read_graph
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.state.journal import DraftNote, Journal
from gitmig.wire.values import CommitId

_SEEN = ("table", "column")
"""The kinds of facets of which a database shows for certain whether it has one."""


def has_amended_form(project: Project, worker: Worker, journal: Journal) -> bool | None:
    """Look for the tables and columns that the revision has in one form only. None: there are none.

    The amended form counts only if all of it is there. The caller has seen that no killed worker is left.
    """
    assert journal.draft is not None
    changes = _changes(project, *_scripts(journal.draft))
    if not changes:
        return None
    there = worker.present([(change.key.table, change.key.name) for change in changes])
    return all(found == (change.after is not None) for found, change in zip(there, changes, strict=True))


def has_the_others(project: Project, worker: Worker, journal: Journal) -> bool | None:
    """Look for what the revisions make that came below those that were undone and done again.

    None: they make no tables and columns. The caller has seen that no killed worker is left.
    """
    others = set(journal.ups) - set(journal.downs)
    if journal.files is None or not others:
        return None
    tree = project.commit_tree(CommitId(journal.files))
    scripts = read_graph(tree, project.configuration, project.outside).scripts
    texts = tree.read_all([scripts[revision].path for revision in others if revision in scripts])
    made = [pair for data in texts.values() for pair in makes(data.decode("utf-8", "replace"))]
    return all(worker.present(made)) if made else None


def _scripts(note: DraftNote) -> tuple[Script | None, Script | None]:
    found = [read_script_bytes(note.path, data) for data in (note.old or b"", note.new or b"")]
    old, new = (script if isinstance(script, Script) else None for script in found)
    return old, new


def _changes(project: Project, old: Script | None, new: Script | None) -> tuple[FacetChange, ...]:
    before, after = _schema(project, old), _schema(project, new)
    if before is None or after is None:
        return ()
    return tuple(
        change
        for change in difference(before, after)
        if change.key.kind in _SEEN and None in (change.before, change.after)
    )


def _schema(project: Project, script: Script | None) -> Schema | None:
    digest = script.header.schema if script is not None else None
    return Schemas(project=project).cache.schema(digest) if digest is not None else None

"""Databases at revisions that were squashed into one: what is left of the old ones is applied as it was."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gitmig.applied.elsewhere import find_scripts
from gitmig.applied.scripts import Applied, ScriptSource
from gitmig.applied.side import Side
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.rewriting import Identity, rewritten
from gitmig.core.revisions.scripts import Script, read_script
from gitmig.core.revisions.squashing import kept_path, old_scripts
from gitmig.errors import Refused
from gitmig.git.temporary import TemporaryFolder
from gitmig.git.trees import Tree
from gitmig.project.project import Project
from gitmig.state.files import write_bytes
from gitmig.wire.values import RevisionId


def with_squashed(project: Project, graph: Graph, tree: Tree, heads: Sequence[RevisionId]) -> Graph:
    """The graph in which a database at ``heads`` finds its way: in place of a squash the old revisions.

    That is only so if the database has some of them and not the last. Their files are written to the private
    folder. Raises Refused if the old scripts are nowhere.
    """
    unknown = {head for head in heads if head not in graph.scripts}
    opened = [script for script in squashes(graph) if unknown.intersection(script.squashes)]
    return _opened(project, graph, tree, opened) if opened else graph


def squashes(graph: Graph) -> Iterator[Script]:
    """The revisions that were made out of several."""
    return (script for script in graph.scripts.values() if script.squashes)


def reconciled(project: Project, applied: Applied, target: Side) -> tuple[Applied, Graph]:
    """What a database was made with and where it is to go, with each squash in one form on both sides.

    A database that has all of the old revisions has the squash. For one that has some of them only, the old
    ones stand in its place.
    """
    graph, sources = target.graph, dict(applied.sources)
    opened: list[Script] = []
    for script in squashes(target.graph):
        last = sources.get(script.revision)
        old = frozenset(script.squashes)
        if last is not None and last.script.squashes != script.squashes and _are_there(old, script, sources):
            for revision in old:
                del sources[revision]
            sources[script.revision] = ScriptSource(side=target, script=script)
        elif last is None and old.intersection(sources):
            opened.append(script)
    if len(sources) < len(applied.sources):
        merged = Graph.of(source.script for source in sources.values())
        differing = applied.differing - {script.revision for script in squashes(target.graph)}
        applied = replace(applied, sources=sources, graph=merged, differing=differing)
    return applied, _opened(project, graph, target.tree, opened) if opened else graph


def _are_there(
    old: frozenset[RevisionId], squash: Script, sources: Mapping[RevisionId, ScriptSource]
) -> bool:
    """Whether a database has all that was squashed, on top of what the squash follows now."""
    if not old <= sources.keys():
        return False
    below = {parent for revision in old for parent in sources[revision].script.down_revisions}
    return below - old == set(squash.down_revisions)


def _opened(project: Project, graph: Graph, tree: Tree, opened: Collection[Script]) -> Graph:
    scripts = dict(graph.scripts)
    for script in opened:
        del scripts[script.revision]
        for old in _old(project, script, tree):
            scripts[old.revision] = old
    return Graph.of(scripts.values())


def _old(project: Project, script: Script, tree: Tree) -> list[Script]:
    """The old scripts of a squash, out of the file that keeps them, else out of git; written out to run."""
    texts = _kept(script, tree) or _out_of_git(project, script)
    folder = _folder(project) / script.revision
    found: list[Script] = []
    for revision in script.squashes:
        if revision not in texts:
            raise Refused(
                f"{script.revision} squashes {revision}, whose script is nowhere",
                hint=f"bring {kept_path(script.path)} back",
            )
        path, text = texts[revision]
        old = read_script(path, text)
        if not isinstance(old, Script):
            raise Refused(f"the script of {revision} cannot be read any more", hint="gitmig log")
        data = text.encode("utf-8")
        if not found and old.down_revisions != script.down_revisions:
            # The squash was put on top of others since.
            parents = script.down_revisions
            data = rewritten(
                old, data, Identity(revision=revision, parents=parents, depends_on=old.depends_on)
            )
            old = replace(old, down_revisions=parents)
        file = folder / Path(path).name
        write_bytes(file, data)
        found.append(replace(old, path=str(file)))
    return found


def _kept(script: Script, tree: Tree) -> dict[RevisionId, tuple[str, str]]:
    data = tree.read(kept_path(script.path))
    try:
        scripts = old_scripts(data) if data is not None else {}
    except (ValueError, KeyError, TypeError):
        return {}
    return {revision: (one["path"], one["text"]) for revision, one in scripts.items()}


def _out_of_git(project: Project, script: Script) -> dict[RevisionId, tuple[str, str]]:
    if project.repository is None:
        return {}
    found = find_scripts(project.repository, list(script.squashes), project.configuration.versions)
    texts: dict[RevisionId, tuple[str, str]] = {}
    for revision, versions in found.items():
        for one in versions:
            text = (project.commit_tree(one.commit).read(one.script.path) or b"").decode("utf-8", "replace")
            if not one.script.squashes:
                texts.setdefault(revision, (one.script.path, text))
    return texts


def _folder(project: Project) -> Path:
    if project.repository is not None:
        return project.repository.private() / "squashed"
    folder = TemporaryFolder(Path(tempfile.gettempdir()))
    weakref.finalize(project, folder.close)
    return folder.path

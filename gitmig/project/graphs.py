"""The revisions of a tree, read as text."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from gitmig.core.configuration import Configuration
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script, Unreadable, read_script_bytes
from gitmig.git.trees import Tree
from gitmig.state.scripts import KnownScripts


def read_graph(
    tree: Tree,
    configuration: Configuration,
    outside: Sequence[Script | Unreadable] = (),
    known: KnownScripts | None = None,
) -> Graph:
    """The revision graph of a tree: every file that Alembic would read, parsed and never imported.

    ``outside`` are those that are in no tree, see :attr:`Project.outside`; ``known`` those read before.
    """
    paths = sorted({path for versions in configuration.versions for path in tree.ids(versions)})
    paths = [path for path in paths if configuration.holds(path)]
    read: Mapping[str, Script | Unreadable | None]
    if known is not None:
        read = known.of_tree(tree, paths)
    else:
        read = {path: read_script_bytes(path, data) for path, data in tree.read_all(paths).items()}
    found = [*outside, *(read[path] for path in sorted(read))]
    return Graph.of(
        [one for one in found if isinstance(one, Script)],
        [one for one in found if isinstance(one, Unreadable)],
    )


def revision_files(configuration: Configuration, top: Path) -> frozenset[str]:
    """The files on disk that Alembic reads, also if git ignores them."""
    found: list[str] = []
    for versions in configuration.versions:
        folders = os.walk(top / versions)
        for folder, _, names in folders if configuration.recursive else itertools.islice(folders, 1):
            inside = Path(folder).relative_to(top).as_posix()
            found += [f"{inside}/{name}" for name in names]
    return frozenset(path for path in found if configuration.holds(path))

"""The application that a revision's script imports: that of its own side, where it is not the checkout's."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gitmig.git.scripts_elsewhere import find_scripts
from gitmig.git.trees import Tree
from gitmig.model import BlobId, CommitId, LedgerRow, RevisionId
from gitmig.operations.applied import Source
from gitmig.operations.private_scripts import PrivateScripts
from gitmig.project import Project
from gitmig.scripts import imported_modules

_LARGE = 1 << 20
"""Bytes of a file that is still written, if it is no code: an application may read what lies beside it."""


@dataclass(kw_only=True)
class Applications:
    """Finds the application of each script, and writes it where the worker can import it."""

    project: Project
    private: PrivateScripts
    rows: Mapping[RevisionId, LedgerRow]
    """What is recorded of each revision: of which commit it was applied."""
    missing: list[RevisionId] = field(default_factory=list)
    """The revisions whose application is not here any more: they see the checkout's."""
    _written: dict[str, tuple[Path, ...]] = field(default_factory=dict)

    def of(self, source: Source) -> tuple[Path, ...]:
        """The folders that a script's application is imported from; none: it is the checkout's."""
        side, here = source.side, self.project.work_tree
        if side.commit is None:
            return ()
        modules = imported_modules(source.text)
        if not (self._holds(side.tree, source, modules) or self._holds(here, source, modules)):
            return ()
        tree = self._tree_of(source, modules)
        if tree is None:
            self.missing.append(source.script.revision)
            return ()
        if tree.label not in self._written:
            files = self._files(tree, source)
            same = files == self._files(here, source)
            self._written[tree.label] = () if same else self._write(tree, source, files)
        return self._written[tree.label]

    def _tree_of(self, source: Source, modules: frozenset[str]) -> Tree | None:
        """The tree that the script was applied from. A pin has the scripts' folders alone."""
        if self._holds(source.side.tree, source, modules):
            return source.side.tree
        git, revision = self.project.git, source.script.revision
        row = self.rows.get(revision)
        recorded = row.commit if row is not None else None
        if recorded is not None and git.objects.find(f"{recorded}^{{commit}}") is None:
            recorded = None
        if recorded is not None and self._has(recorded, source):
            return self.project.commit_tree(CommitId(recorded))
        # `revise` commits after it has applied: the commit that brought the script is the one.
        folders = source.side.configuration.versions
        found = find_scripts(git, [revision], folders)
        commit = next((one.commit for one in found.get(revision, ()) if one.blob == source.blob), recorded)
        return None if commit is None else self.project.commit_tree(CommitId(commit))

    def _has(self, commit: str, source: Source) -> bool:
        tree = self.project.commit_tree(CommitId(commit))
        folders = source.side.configuration.versions
        return any(source.blob in tree.ids(folder).values() for folder in folders)

    def _holds(self, tree: Tree, source: Source, modules: frozenset[str]) -> bool:
        """Whether one of the modules, or a package that it would be in, is the project's own."""
        parts = {
            tuple(name.split(".")[:count]) for name in modules for count in range(1, name.count(".") + 2)
        }
        places = [posixpath.join(root, *those) for root in source.side.configuration.roots for those in parts]
        return any(tree.exists(f"{place}.py") or tree.exists(f"{place}/__init__.py") for place in places)

    def _files(self, tree: Tree, source: Source) -> dict[str, BlobId]:
        """What an application is made of: all below the roots, but for the revisions."""
        configuration = source.side.configuration
        paths = {path: blob for root in configuration.roots for path, blob in tree.ids(root).items()}
        code = {posixpath.dirname(path) for path in paths if path.endswith(".py")}
        packages = code - {""}  # What has a setup.py beside it is not all of it data of an application.
        return {
            path: blob
            for path, blob in paths.items()
            if not configuration.holds(path)
            and (posixpath.dirname(path) in code or any(folder in packages for folder in _folders(path)))
        }

    def _write(self, tree: Tree, source: Source, files: Mapping[str, BlobId]) -> tuple[Path, ...]:
        kept = {
            p: data for p, data in tree.read_all(files).items() if p.endswith(".py") or len(data) < _LARGE
        }
        top = self.private.application(kept)
        return tuple(top / root if root else top for root in source.side.configuration.roots)


def _folders(path: str) -> Iterator[str]:
    """Those that a file is in. Data lies beside the code, or in a folder below it."""
    folder = posixpath.dirname(path)
    while True:
        yield folder
        if not folder:
            return
        folder = posixpath.dirname(folder)

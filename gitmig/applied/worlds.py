"""The trees that scripts run in: each in that which it comes from, with everything beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType

from gitmig.applied.elsewhere import find_scripts
from gitmig.applied.scripts import ScriptSource
from gitmig.applied.side import Side
from gitmig.core.revisions.needs import stands_alone
from gitmig.git.layout import Layout
from gitmig.git.trees import GitTree, Tree
from gitmig.project.project import Project
from gitmig.rpc.protocol import ScriptTree
from gitmig.wire.values import BlobId, CommitId, LedgerRow, RevisionId


@dataclass(slots=True)
class _LaidOut:
    """A tree that scripts run in."""

    tree: Tree
    layout: Layout
    world: ScriptTree
    paths: Mapping[BlobId, str]
    """Where each of its revisions lies."""


@dataclass(slots=True, kw_only=True)
class Worlds:
    """Lays out the trees of other sides, until the end of the block.

    A script that needs nothing beside itself runs in any tree that has it, so that a hundred of them take
    one.
    """

    project: Project
    missing: list[RevisionId] = field(default_factory=list)
    """The revisions whose own tree is not here any more: they see what is left of it."""
    _found: list[_LaidOut] = field(default_factory=list)
    _held: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Worlds:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the folders."""
        self._held.close()

    def of(self, source: ScriptSource, rows: Mapping[RevisionId, LedgerRow]) -> tuple[ScriptTree | None, str]:
        """The tree that a script runs in, None for the files on disk, and the script's path.

        That is relative to the top on disk, and absolute elsewhere. ``rows`` says of which commit a revision
        was applied.
        """
        if source.side.commit is None:
            return None, source.script.path
        text, blob = source.text, source.blob
        if stands_alone(text) and blob is not None:
            for known in self._found:
                if blob in known.paths:
                    return known.world, str(known.layout.top / known.paths[blob])
        laid_out = self._laid_out(self._tree(source, rows), source.side)
        path = source.script.path if blob is None else laid_out.paths.get(blob, source.script.path)
        return laid_out.world, str(laid_out.layout.top / path)

    def alike(self, source: ScriptSource, then: Side) -> bool:
        """Whether a script does in its side what it did in another: it needs nothing, or all is the same."""
        return stands_alone(source.text) or _beside(source.side) == _beside(then)

    def _laid_out(self, tree: Tree, side: Side) -> _LaidOut:
        known = next((one for one in self._found if one.tree.commit == tree.commit), None)
        if known is not None:
            return known
        assert isinstance(tree, GitTree)
        layout = self.project.layouts.lay_out(tree)
        self._held.callback(layout.release)
        configuration = side.configuration
        found = _LaidOut(
            tree=tree,
            layout=layout,
            world=ScriptTree(
                root=layout.top,
                folder=configuration.directory,
                paths=configuration.roots,
                script_location=configuration.script_location,
                versions=configuration.versions,
            ),
            paths={
                blob: path for folder in configuration.versions for path, blob in tree.ids(folder).items()
            },
        )
        self._found.append(found)
        return found

    def _tree(self, source: ScriptSource, rows: Mapping[RevisionId, LedgerRow]) -> Tree:
        """The tree that a script was applied from. An older pin has the folders of the scripts alone."""
        if not self._is_part(source.side) or stands_alone(source.text):
            return source.side.tree
        for commit in self._candidates(source, rows):
            tree = self.project.commit_tree(commit)
            if any(source.blob in tree.ids(folder).values() for folder in source.side.configuration.versions):
                return tree
        self.missing.append(source.script.revision)
        return source.side.tree

    def _candidates(self, source: ScriptSource, rows: Mapping[RevisionId, LedgerRow]) -> Iterator[CommitId]:
        git, revision = self.project.git, source.script.revision
        row = rows.get(revision)
        if row is not None and row.commit is not None and git.objects.find(f"{row.commit}^{{commit}}"):
            yield CommitId(row.commit)
        # `revise` commits after it has applied: the commit that brought the script is the one.
        found = find_scripts(git, [revision], source.side.configuration.versions)
        yield from (one.commit for one in found.get(revision, ()) if one.blob == source.blob)

    @staticmethod
    def _is_part(side: Side) -> bool:
        folders = tuple(f"{folder}/" for folder in side.configuration.folders)
        return all(path.startswith(folders) for path in side.tree.ids())


def _beside(side: Side) -> dict[str, BlobId]:
    """Everything in a tree but the revisions."""
    holds = side.configuration.holds
    return {path: blob for path, blob in side.tree.ids().items() if not holds(path)}

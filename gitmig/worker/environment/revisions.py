"""Revision maps made from the command line's list: a script's module is loaded when its step is built.

Alembic's own loading imports every file of the versions folder, which takes seconds at 1,000 revisions.
"""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import warnings
from collections.abc import Iterable, Sequence
from types import CodeType, ModuleType
from typing import Any

from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from alembic.script.base import Script
from alembic.script.revision import Revision, RevisionError, RevisionMap

from ..channel import Failure
from ..importing.world import World


class LazyScript(Script):
    """A revision known by the command line's words alone, until its module is asked for."""

    def __init__(self, known: dict[str, Any]):
        # Script.__init__ wants the module; Revision's own needs the identifiers only.
        Revision.__init__(
            self,
            known["revision"],
            tuple(known["down_revisions"]) or None,
            dependencies=tuple(known.get("depends_on") or ()) or None,
            branch_labels=tuple(known.get("branch_labels") or ()) or None,
        )
        self.path = known["path"]

    @functools.cached_property
    def module(self) -> ModuleType:  # type: ignore[override]
        """The script's module, compiled from its source."""
        return load_source(self.revision, self.path)


def load_source(name: str, path: str) -> ModuleType:
    """Run a Python file as a module, always from its source: no bytecode is read or written."""
    loader = _FromSource(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def revision_map(scripts: Iterable[dict[str, Any]]) -> RevisionMap:
    """The map of one graph. Raises Failure("alembic") where the list is not a graph."""
    revisions = RevisionMap(lambda: [LazyScript(known) for known in scripts])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _ = revisions.heads
    except KeyError as error:
        raise Failure("alembic", f"a revision's parent {error.args[0]!r} is not among the scripts") from None
    return revisions


def build_steps(
    graphs: Sequence[RevisionMap],
    wanted: Sequence[dict[str, Any]],
    context: MigrationContext,
    worlds: Sequence[World] = (),
) -> tuple[RevisionStep, ...]:
    """Alembic's steps for the command line's. Loads every script that takes part, before the first runs.

    A step with a ``world`` (its number) sees the code of that tree; one that is ``idle`` runs nothing. Raises
    what a script raises when it is imported, as :class:`BrokenScript`.
    """
    steps = []
    for one in wanted:
        graph, number = graphs[one.get("graph", 0)], one.get("world")
        if number is None or one.get("idle"):
            steps.append(_step(graph, one))
            if one.get("idle"):
                steps[-1].migration_fn = _nothing
            continue
        with worlds[number].in_place(context):
            step = _step(graph, one)
        step.migration_fn = worlds[number].seen_by(step.migration_fn, context)
        steps.append(step)
    return tuple(steps)


def _nothing(**arguments: Any) -> None:
    """What a step runs that changes the version table alone."""


class BrokenScript(Exception):
    """A revision script that cannot be loaded, or lacks the function that is needed."""

    def __init__(self, revision: str, action: str, error: BaseException):
        super().__init__(str(error))
        self.revision = revision
        self.action = action
        self.error = error


def _step(revisions: RevisionMap, step: dict[str, Any]) -> RevisionStep:
    revision, action = step["revision"], step["action"]
    try:
        script = revisions.get_revision(revision)
    except RevisionError:
        script = None
    if not isinstance(script, Script):
        raise Failure("alembic", f"there is no script for {revision}")
    try:
        if action == "upgrade":
            return MigrationStep.upgrade_from_script(revisions, script)
        return MigrationStep.downgrade_from_script(revisions, script)
    except (Exception, SystemExit) as error:
        raise BrokenScript(revision, action, error) from error


class _FromSource(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)

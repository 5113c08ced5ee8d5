"""Revisions replayed on scratch databases: up, their models reached, down, up again, and up with rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

from gitmig.core.revisions.graph import Graph
from gitmig.core.schema.facets import FacetChange, FacetKey
from gitmig.core.verification import ReplayOutcome, Run
from gitmig.errors import GitmigError
from gitmig.facts.schema_history import SchemaHistory
from gitmig.facts.schemas import Schemas
from gitmig.git.background import BackgroundCall
from gitmig.judging.models import ModelsOnDemand
from gitmig.judging.proof import scratch_database, upgrade_data
from gitmig.judging.scratch import Scratch, scratch
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.rpc.protocol import Json, a_text, an_object
from gitmig.wire.values import RevisionId

VERIFY, ROWS, APPLY = "verify", "rows", "apply"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressReport:
    """Whom the verifier tells how far it is."""

    outcome: Callable[[ReplayOutcome], None] = lambda outcome: None
    """A revision is done."""
    step: Callable[[], None] = lambda: None
    """The longer one of two looks at a revision is done."""
    imported: Callable[[int, int], None] = lambda done, whole: None
    """Of so many commits that it needs the models are imported, and of so many they have to be."""


def verify_runs(
    project: Project, graph: Graph, runs: Sequence[Run], *, seeds: Sequence[str], progress: ProgressReport
) -> str:
    """Replay the runs, telling each outcome; the dialect. Nothing but scratch databases is written.

    Raises Unproven if no scratch database can be had, ProjectCodeError if the models of the work tree do not
    import.
    """
    dialect = Schemas(project=project).of(project.work_tree).dialect
    history = SchemaHistory(project, graph, progress.imported)
    with ExitStack() as stack:
        place = stack.enter_context(scratch(project, dialect))
        mother = stack.enter_context(project.workers.one())
        empty = None
        if place.server is not None:
            keeper = stack.enter_context(project.workers.start_like(mother, None))
            empty = stack.enter_context(scratch_database(place, [keeper], "empty"))
        verifier = _Verifier(
            project=project,
            graph=graph,
            place=place,
            mother=mother,
            models=ModelsOnDemand(project, graph, place, mother, history, empty),
            seeds=tuple(seeds),
            progress=progress,
        )
        for run in runs:
            # Imported side by side, if they are not known.
            history.learn(run.steps)
            verifier.verify(run)
    return dialect


@dataclass(frozen=True, slots=True)
class _Place:
    """Where revisions are replayed: what the database starts at, and what is upgraded before them."""

    worker: Worker
    url: str
    start: tuple[RevisionId, ...]
    before: tuple[RevisionId, ...]


@dataclass(slots=True, kw_only=True)
class _Verifier:
    project: Project
    graph: Graph
    place: Scratch
    mother: Worker
    models: ModelsOnDemand
    seeds: tuple[str, ...]
    progress: ProgressReport
    _found: dict[RevisionId, ReplayOutcome] = field(default_factory=dict)
    _finished: set[tuple[RevisionId, str]] = field(default_factory=set)
    _databases: int = 0

    def verify(self, run: Run) -> None:
        """Both looks at the revisions of a run, beside each other: each has a database of its own."""
        for revision in run.steps:
            self._found[revision] = ReplayOutcome(script=self.graph.scripts[revision])
        heard: list[Json] = []
        with self._place_after(run.before, by_models=False) as place:
            rows = None
            if place is not None:
                rows = BackgroundCall(partial(self._ask, place, run.steps, ROWS, heard.append))
            try:
                self._replayed(run, VERIFY)
            finally:
                self.models.close()

            def begun() -> Json:
                assert rows is not None
                try:
                    return rows.result()
                finally:
                    for note in heard:
                        self._note(note)

            self._replayed(run, ROWS, begun if rows is not None else None)

    def _replayed(self, run: Run, how: str, begun: Callable[[], Json] | None = None) -> None:
        """Replay, and begin again behind each revision that cannot be gone beyond."""
        before, steps, by_models = run.before, run.steps, False
        while steps:
            if begun is not None:
                failed, error = self._ending(begun, steps, how)
            else:
                failed, error = self._attempt(before, steps, how, by_models=by_models)
            begun = None
            if failed is None:
                return
            if failed not in steps and not by_models:
                by_models = True  # what comes before does not run any more
                continue
            if failed not in steps:
                self._none(steps, f"{failed}, which comes before it, fails: {error}", how)
                return
            self._noted(failed, error, how)
            place = steps.index(failed) + 1
            before, steps, by_models = (*before, *steps[:place]), steps[place:], False

    def _attempt(
        self, before: tuple[RevisionId, ...], steps: tuple[RevisionId, ...], how: str, *, by_models: bool
    ) -> tuple[RevisionId | None, str | None]:
        """The revision at which it ended, and why (not said if it is its downgrade); None at the end."""
        with self._place_after(before, by_models=by_models) as place:
            if place is None:
                failed = self._failed(before)[-1]
                return failed, self._found[failed].failed
            return self._ending(partial(self._ask, place, steps, how, self._note), steps, how)

    def _failed(self, revisions: tuple[RevisionId, ...]) -> list[RevisionId]:
        return [r for r in revisions if r in self._found and self._found[r].failed is not None]

    @contextmanager
    def _place_after(self, before: tuple[RevisionId, ...], *, by_models: bool) -> Iterator[_Place | None]:
        """A database that has, or is to be given, what comes before; None if that fails to run."""
        heads, failed = self.graph.tips(frozenset(before)), self._failed(before)
        only = heads[0] if len(heads) == 1 else None
        if only is not None and (by_models or failed or self.models.is_sure(only)):
            with self._database() as (worker, url):
                if self.models.start(only, url):
                    yield _Place(worker, url, (only,), ())
                    return
        if failed:
            yield None
            return
        with self._database() as (worker, url):
            yield _Place(worker, url, (), before)

    def _ask(
        self, place: _Place, steps: tuple[RevisionId, ...], how: str, note: Callable[[Json], None]
    ) -> Json:
        data = upgrade_data(self.graph.scripts.values(), place.start, ())
        data["steps"] = [
            *({"revision": revision, "how": APPLY} for revision in place.before),
            *({"revision": revision, "how": how} for revision in steps),
        ]
        data["seeds"] = list(self.seeds)
        return place.worker.replay(place.url, self.models.answer, note, **data)

    def _ending(
        self, ask: Callable[[], Json], steps: tuple[RevisionId, ...], how: str
    ) -> tuple[RevisionId | None, str | None]:
        try:
            answer = ask()
        except GitmigError as error:
            self._none([s for s in steps if (s, how) not in self._finished], error.message, how)
            return None, None
        if answer["failed"] is None:
            return None, None
        failed = an_object(answer["failed"])
        message = None if failed["again"] else a_text(failed["message"])
        return RevisionId(a_text(failed["revision"])), message

    def _note(self, note: Json) -> None:
        if note.get("note") != "replayed":
            return
        revision = RevisionId(a_text(note["revision"]))
        if note["how"] == ROWS:
            found = self._found[revision]
            self._found[revision] = replace(found, down_on_rows=cast("str | None", note["down"]))
            self._done(revision, ROWS)
            return
        self._found[revision] = replace(
            self._found[revision],
            commit=self.models.used.get(revision),
            reached=cast("bool | None", note["reached"]),
            changes=_changes(note["changes"]),
            left=_changes(note["left"]),
            down=cast("str | None", note["down"]),
            again=_changes(note["again"]),
            unproven=self.models.reasons.get(revision) if note["reached"] is None else None,
        )
        self._done(revision, VERIFY)

    def _noted(self, revision: RevisionId, error: str | None, how: str) -> None:
        """The upgrade of a revision has failed, or (no error) its downgrade cannot be gone on with."""
        found = self._found[revision]
        if error is None:
            return
        if how == VERIFY:
            self._found[revision] = replace(found, failed=error, reached=False)
        elif found.failed is None:
            self._found[revision] = replace(found, on_rows=error)
        self._done(revision, how)

    def _none(self, steps: Sequence[RevisionId], reason: str, how: str) -> None:
        """What could not be tried."""
        for revision in steps:
            found = self._found[revision]
            self._found[revision] = replace(found, unproven=found.unproven or reason)
            self._done(revision, how)

    def _done(self, revision: RevisionId, how: str) -> None:
        self._finished.add((revision, how))
        if how == ROWS:
            self.progress.outcome(self._found[revision])
        else:
            self.progress.step()

    @contextmanager
    def _database(self) -> Iterator[tuple[Worker, str]]:
        self._databases += 1
        with (
            self.project.workers.start_like(self.mother, None) as worker,
            scratch_database(self.place, [worker], f"replay-{self._databases}") as url,
        ):
            yield worker, url


def _changes(value: object) -> tuple[FacetChange, ...]:
    assert isinstance(value, list), value
    return tuple(
        FacetChange(FacetKey(kind, table, name), before, after) for kind, table, name, before, after in value
    )

"""``verify``: replays revisions on scratch databases. The configured database is not touched."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitmig.core.codes import Finding
from gitmig.core.findings import has_errors, with_severities
from gitmig.core.revisions.graph import Graph
from gitmig.core.verification import Baseline, Judged, ReplayOutcome, Result, Verified, judged, runs
from gitmig.errors import SettingsError, UsageError
from gitmig.judging.verifying import ProgressReport, verify_runs
from gitmig.project.project import Project
from gitmig.state.files import write_text
from gitmig.wire.values import RevisionId

BASELINE = ".gitmig-baseline.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What ``verify`` says."""

    revisions: tuple[Verified, ...]
    dialect: str | None
    """None if there was nothing to verify, or no scratch database."""
    baseline: str | None = None
    """The baseline that was written."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings."""
        return tuple(finding for one in self.revisions for finding in one.findings)

    @property
    def failed(self) -> bool:
        """Whether a finding of severity error is among them."""
        return has_errors(self.findings)

    def count(self, result: Result) -> int:
        """How many revisions are this."""
        return sum(one.result is result for one in self.revisions)

    @property
    def accepted(self) -> int:
        """How much the baseline accepts."""
        return sum(one.accepted for one in self.revisions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which revisions are replayed, and with what."""

    since: str | None = None
    last: int | None = None
    seeds: tuple[Path, ...] = ()
    write_baseline: bool = False


def verify(
    project: Project,
    wanted: Wanted,
    *,
    begun: Callable[[int], None] = lambda count: None,
    step: Callable[[], None] = lambda: None,
    imported: Callable[[int, int], None] = lambda done, whole: None,
    report: Callable[[Verified], None] = lambda verified: None,
) -> Verification:
    """Replay revisions; ``report`` is given each when it is done, ``begun`` how many there are.

    ``step`` hears that one more is looked through, ``imported`` of how many commits of how many the models
    are there.

    Raises UnknownRef, UsageError, Refused for a graph that is flawed, Unproven if no scratch database can be
    had, SettingsError for a baseline that cannot be read.
    """
    graph = project.graph()
    graph.require_sound(frozenset(graph.scripts))
    path = project.directory / BASELINE
    baseline = Baseline() if wanted.write_baseline else _read(path, project.shown(path))
    chosen = _chosen(project, graph, wanted)
    seeds = [_text(seed) for seed in wanted.seeds]
    done: list[Verified] = []

    def hear(outcome: ReplayOutcome) -> None:
        done.append(_verified(project, outcome, baseline))
        report(done[-1])

    begun(len(chosen))
    dialect = None
    if chosen:
        progress = ProgressReport(outcome=hear, step=step, imported=imported)
        dialect = verify_runs(project, graph, runs(graph, chosen), seeds=seeds, progress=progress)
    if wanted.write_baseline:
        _write(path, [one for verified in done for one in verified.judged])
    order = {revision: place for place, revision in enumerate(graph.topological())}
    return Verification(
        revisions=tuple(sorted(done, key=lambda one: order[one.outcome.script.revision])),
        dialect=dialect,
        baseline=project.shown(path) if wanted.write_baseline else None,
    )


def _chosen(project: Project, graph: Graph, wanted: Wanted) -> tuple[RevisionId, ...]:
    found = graph.topological()
    if wanted.last is not None and wanted.last < 1:
        raise UsageError(
            f"--last takes a number of revisions, not {wanted.last}", hint="gitmig verify --last 1"
        )
    if wanted.since is not None:
        there = project.graph(project.commit_tree(project.git.resolve(wanted.since))).scripts
        found = tuple(revision for revision in found if revision not in there)
    return found[-wanted.last :] if wanted.last is not None else found


def _verified(project: Project, outcome: ReplayOutcome, baseline: Baseline) -> Verified:
    everything = judged(outcome)
    kept = [left for one in everything if (left := baseline.without(one)) is not None]
    before, after = (sum(len(one.keys) for one in some) for some in (everything, kept))
    settled: list[Judged] = []
    for one in kept:
        for finding in with_severities([one.finding], project.settings.severity):
            settled.append(replace(one, finding=finding))
    return Verified(outcome=outcome, judged=tuple(settled), accepted=before - after)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint="name a file of SQL with --seed") from None


def _read(path: Path, shown: str) -> Baseline:
    if not path.exists():
        return Baseline()
    try:
        rows = json.loads(path.read_text("utf-8"))["accepted"]
        accepted = frozenset(
            (str(row["code"]), str(row["revision"]), str(row["facet"] or "")) for row in rows
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise SettingsError(
            f"{shown} is not a baseline of gitmig's", hint="gitmig verify --write-baseline"
        ) from None
    return Baseline(accepted)


def _write(path: Path, found: Sequence[Judged]) -> None:
    rows = [
        {"code": code, "revision": revision, "facet": facet or None}
        for one in found
        if one.finding.code != "GM007"
        for code, revision, facet in one.keys
    ]
    write_text(path, json.dumps({"version": 1, "accepted": rows}, indent=2) + "\n")

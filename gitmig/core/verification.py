"""What came of replaying revisions, as findings; which are replayed in one go; what is accepted. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gitmig.core.codes import Finding, Severity
from gitmig.core.differences import facet_name
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import FacetChange, render
from gitmig.wire.values import CommitId, RevisionId, short


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Revisions that are replayed one after the other, each from where the one before left the database."""

    before: tuple[RevisionId, ...]
    """What has to be there first, oldest first."""
    steps: tuple[RevisionId, ...]


class Result(StrEnum):
    """What a revision is."""

    VERIFIED = "verified"
    WARNED = "warned"
    FAILED = "failed"
    UNPROVEN = "unproven"
    """Something of it could not be tried; nothing that was tried is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOutcome:
    """What came of one revision."""

    script: Script
    commit: CommitId | None = None
    """Whose models it was compared with; None for those of the work tree, or where there are none."""
    reached: bool | None = None
    """Whether it leads to its models; None if that could not be tried."""
    changes: tuple[FacetChange, ...] = ()
    """What it would still take from the database to the models."""
    failed: str | None = None
    """Why its upgrade fails."""
    left: tuple[FacetChange, ...] = ()
    """What the database has after the downgrade beyond what it had before, or lacks."""
    down: str | None = None
    """Why its downgrade, or the upgrade after it, fails."""
    again: tuple[FacetChange, ...] = ()
    """What the second upgrade leads to beyond the first, or not."""
    on_rows: str | None = None
    """Why it fails on rows."""
    down_on_rows: str | None = None
    """Why its downgrade fails on rows."""
    unproven: str | None = None
    """Why not all of it could be tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding about a revision; ``facets`` name what its details are about, one each."""

    revision: RevisionId
    finding: Finding
    facets: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[tuple[str, str, str], ...]:
        """What a baseline calls it: code, revision, facet; one key without a facet if there is none."""
        return tuple((self.finding.code, self.revision, facet) for facet in self.facets or ("",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One revision, judged."""

    outcome: ReplayOutcome
    judged: tuple[Judged, ...]
    accepted: int = 0
    """How much of it the baseline accepts."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Its findings."""
        return tuple(one.finding for one in self.judged)

    @property
    def result(self) -> Result:
        """What it is, by its worst finding."""
        found = self.findings
        if any(finding.severity is Severity.ERROR for finding in found):
            return Result.FAILED
        if any(finding.code != "GM007" for finding in found):
            return Result.WARNED
        return Result.UNPROVEN if self.outcome.unproven is not None else Result.VERIFIED


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is accepted as it is: code, revision and facet of each."""

    accepted: frozenset[tuple[str, str, str]] = field(default_factory=frozenset)

    def without(self, judged: Judged) -> Judged | None:
        """What is left of a finding; None if all of it is accepted."""
        if not self.accepted.intersection(judged.keys):
            return judged
        left = [place for place, key in enumerate(judged.keys) if key not in self.accepted]
        if not left:
            return None
        details = tuple(judged.finding.details[place] for place in left)
        return replace(
            judged,
            finding=replace(judged.finding, details=details),
            facets=tuple(judged.facets[place] for place in left),
        )


def runs(graph: Graph, wanted: Collection[RevisionId]) -> tuple[Run, ...]:
    """The revisions in as few runs as their branches allow: each is replayed on its own ancestors alone."""
    left = list(graph.topological(frozenset(wanted)))
    needs = {revision: graph.ancestors([revision]) - {revision} for revision in left}
    result: list[Run] = []
    while left:
        steps: list[RevisionId] = []
        applied = needs[left[0]]
        before = graph.topological(applied)
        following = left[0] if left else None
        while following is not None:
            steps.append(following)
            left.remove(following)
            applied |= {following}
            following = next((r for r in left if needs[r] == applied), None)
        result.append(Run(before=before, steps=tuple(steps)))
    return tuple(result)


def judged(outcome: ReplayOutcome) -> tuple[Judged, ...]:
    """The findings of an outcome: GM023, GM022, GM024, and GM007 for what could not be tried."""
    return tuple(_judged(outcome))


def _judged(outcome: ReplayOutcome) -> Iterator[Judged]:
    script, revision = outcome.script, outcome.script.revision
    if outcome.failed is not None:
        yield _one(
            script, "GM023", f"the upgrade of {revision} fails: {outcome.failed}", f"correct {script.path}"
        )
    if outcome.changes:
        whose = f" (those of {short(outcome.commit)})" if outcome.commit is not None else ""
        message = f"{revision} does not lead to its models{whose}"
        yield _one(script, "GM023", message, f"correct {script.path}", outcome.changes)
    if outcome.left:
        yield _one(
            script,
            "GM022",
            f"the downgrade of {revision} {_what(outcome.left)}",
            f"correct downgrade() in {script.path}",
            outcome.left,
        )
    if outcome.down is not None:
        message = f"the downgrade of {revision}: {outcome.down}"
        yield _one(script, "GM022", message, f"correct downgrade() in {script.path}")
    elif outcome.down_on_rows is not None:
        message = f"the downgrade of {revision} fails on rows: {outcome.down_on_rows}"
        yield _one(script, "GM022", message, f"have downgrade() in {script.path} deal with the rows first")
    if outcome.again:
        message = f"the upgrade of {revision} leads elsewhere after its downgrade"
        yield _one(script, "GM022", message, f"correct downgrade() in {script.path}", outcome.again)
    if outcome.on_rows is not None:
        yield _one(
            script,
            "GM024",
            f"{revision} fails on rows: {outcome.on_rows}",
            f"have upgrade() in {script.path} deal with the rows first",
        )
    if outcome.unproven is not None:
        message = f"not all of {revision} could be verified: {outcome.unproven}"
        yield _one(script, "GM007", message, None)


def _what(left: Sequence[FacetChange]) -> str:
    signs = {change.sign for change in left}
    if signs == {"+"}:
        return "leaves something behind"
    return (
        "takes what the upgrade did not make" if signs == {"-"} else "does not lead back to what was before"
    )


def _one(
    script: Script, code: str, message: str, hint: str | None, changes: Iterable[FacetChange] = ()
) -> Judged:
    changes = tuple(changes)
    return Judged(
        revision=script.revision,
        finding=Finding(
            code=code,
            severity=Severity.ERROR if code in ("GM023", "GM024") else Severity.WARNING,
            message=message,
            hint=hint,
            path=script.path,
            line=script.revision_line,
            details=tuple(render(change) for change in changes),
        ),
        facets=tuple(facet_name(change.key) for change in changes),
    )

"""The findings: each code's message, hint and place."""

from __future__ import annotations

import pytest

from gitmig.core.codes import Finding, Severity
from gitmig.core.database_findings import database_findings, in_progress, uncommitted, unknown_heads
from gitmig.core.findings import graph_findings, has_errors, rolled_back, unproven, unrevised, with_severities
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script, Unreadable
from gitmig.core.schema.facets import FacetChange, FacetKey
from gitmig.wire.values import DatabaseState, RevisionId


def script(revision: str, *parents: str, path: str | None = None) -> Script:
    return Script(
        revision=RevisionId(revision),
        down_revisions=tuple(RevisionId(parent) for parent in parents),
        path=path or f"versions/{revision}.py",
        revision_line=3,
        parents_line=4,
    )


def database(*heads: str, versioned: bool = True, tables: int = 0) -> DatabaseState:
    return DatabaseState(
        name="sqlite:///app.db",
        heads=tuple(RevisionId(head) for head in heads),
        versioned=versioned,
        tables=tables + 5,
        models_tables=tables,
    )


CHAIN = Graph.of([script("aaaa"), script("bbbb", "aaaa"), script("cccc", "bbbb")])
BROKEN = Unreadable(path="versions/x.py", reason="invalid syntax", line=7)


def test_a_sound_graph_has_no_findings() -> None:
    assert graph_findings(CHAIN) == ()
    assert graph_findings(Graph.of([])) == ()


def test_more_than_one_head() -> None:
    graph = Graph.of([script("aaaa"), script("bbbb", "aaaa"), script("cccc", "aaaa")])
    assert graph_findings(graph) == (
        Finding(
            code="GM002",
            severity=Severity.ERROR,
            message="2 heads: bbbb, cccc",
            hint="gitmig rebase",
            path="versions/cccc.py",
            line=4,
        ),
    )


def test_two_files_with_one_id() -> None:
    graph = Graph.of([script("aaaa", path="versions/one.py"), script("aaaa", path="versions/two.py")])
    assert graph_findings(graph) == (
        Finding(
            code="GM004",
            severity=Severity.ERROR,
            message="versions/one.py and versions/two.py have one revision id: aaaa",
            hint="give one of them an id of its own",
            path="versions/two.py",
            line=3,
        ),
    )


def test_a_parent_that_no_file_has() -> None:
    assert graph_findings(Graph.of([script("bbbb", "aaaa")])) == (
        Finding(
            code="GM005",
            severity=Severity.ERROR,
            message="bbbb follows aaaa, which no file has",
            hint="bring the file of aaaa back, or correct down_revision in versions/bbbb.py",
            path="versions/bbbb.py",
            line=4,
        ),
    )


@pytest.mark.parametrize(("line", "where"), [(7, " (line 7)"), (None, "")])
def test_identifiers_that_cannot_be_read(line: int | None, where: str) -> None:
    problem = Unreadable(path="versions/x.py", reason="invalid syntax", line=line)
    assert graph_findings(Graph.of([script("aaaa")], [problem])) == (
        Finding(
            code="GM006",
            severity=Severity.ERROR,
            message=f"the revision identifiers of versions/x.py cannot be read: invalid syntax{where}",
            hint="correct versions/x.py",
            path="versions/x.py",
            line=line,
        ),
    )


def test_a_database_in_step_has_no_findings() -> None:
    assert database_findings(database("cccc", tables=3), CHAIN) == ()
    assert database_findings(database(), Graph.of([])) == ()


def test_a_database_at_a_revision_that_no_file_has() -> None:
    expected = Finding(
        code="GM010",
        severity=Severity.ERROR,
        message="the database is at dddd, which no file of the checkout has",
        hint="check out the branch that has it, or bring its file back",
    )
    assert database_findings(database("dddd"), CHAIN) == (expected,)
    assert unknown_heads([RevisionId("cccc"), RevisionId("dddd")], CHAIN) == (expected,)


def test_a_file_that_cannot_be_read_may_be_the_one_that_is_missed() -> None:
    graph = Graph.of([script("aaaa")], [BROKEN])
    assert unknown_heads([RevisionId("dddd")], graph) == ()
    assert database_findings(database("dddd"), graph) == ()


@pytest.mark.parametrize(
    ("heads", "count"), [((), "3 revisions"), (("aaaa",), "2 revisions"), (("bbbb",), "1 revision")]
)
def test_a_database_that_is_behind(heads: tuple[str, ...], count: str) -> None:
    assert database_findings(database(*heads), CHAIN) == (
        Finding(
            code="GM011",
            severity=Severity.ERROR,
            message=f"the database is {count} behind the checkout",
            hint="gitmig upgrade",
        ),
    )


@pytest.mark.parametrize(
    ("graph", "hint"),
    [
        (CHAIN, "alembic stamp REVISION  (the one that matches its tables)"),
        (Graph.of([]), 'gitmig revise --draft -m "Baseline" && alembic stamp head'),
    ],
)
@pytest.mark.parametrize(("tables", "counted"), [(1, "1 table"), (4, "4 tables")])
def test_a_database_that_is_not_under_alembic(graph: Graph, hint: str, tables: int, counted: str) -> None:
    assert database_findings(database(versioned=False, tables=tables), graph) == (
        Finding(
            code="GM017",
            severity=Severity.ERROR,
            message=f"the database has {counted} of the models and is not under Alembic",
            hint=hint,
        ),
    )


def test_other_peoples_tables_do_not_put_a_database_under_anything() -> None:
    findings = database_findings(database(versioned=False, tables=0), CHAIN)
    assert [finding.code for finding in findings] == ["GM011"]


@pytest.mark.parametrize("operation", ["merge", "rebase", "cherry-pick", "revert"])
def test_git_in_the_middle_of_something(operation: str) -> None:
    (finding,) = in_progress(operation)
    assert (finding.code, finding.severity) == ("GM016", Severity.ERROR)
    assert finding.message == f"a {operation} is in progress"
    assert finding.hint == f"git {operation} --continue"
    (softer,) = in_progress(operation, Severity.WARNING)
    assert softer.severity is Severity.WARNING


def test_nothing_in_progress() -> None:
    assert in_progress(None) == ()


def test_applied_and_not_committed() -> None:
    assert uncommitted([]) == ()
    (finding,) = uncommitted([RevisionId("aaaa"), RevisionId("bbbb")])
    assert (finding.code, finding.message) == ("GM018", "applied, not committed: aaaa, bbbb")
    assert finding.hint == "gitmig upgrade --commit"


def test_models_without_a_revision() -> None:
    change = FacetChange(FacetKey("column", "user", "name"), None, "name VARCHAR")
    finding = unrevised([change], place=("app/models.py", 7))
    assert (finding.code, finding.severity) == ("GM001", Severity.ERROR)
    assert (finding.path, finding.line) == ("app/models.py", 7)
    assert finding.message == "the models change without a revision that takes the database there"
    assert finding.hint == 'gitmig revise -m "…"'
    assert len(finding.details) == 1
    assert finding.details[0].startswith("+ user.name")


def test_what_could_not_be_proven_is_a_warning() -> None:
    finding = unproven(script("aaaa"))
    assert (finding.code, finding.severity, finding.path) == ("GM007", Severity.WARNING, "versions/aaaa.py")
    assert finding.message == "nothing proves that aaaa takes the database to these models"


def test_models_that_a_rollback_put_there() -> None:
    looking = rolled_back([RevisionId("aaaa")], committing=False)
    assert (looking.code, looking.severity) == ("GM013", Severity.WARNING)
    assert looking.message == "the models in the work tree are those of aaaa, put there by a rollback"
    assert looking.hint == "gitmig upgrade"
    committing = rolled_back([RevisionId("aaaa")], committing=True)
    assert (committing.code, committing.severity) == ("GM001", Severity.ERROR)
    assert committing.message == (
        "these are the models of aaaa, as a rollback put them there (gitmig upgrade takes them forward again)"
    )
    assert committing.hint == "gitmig rollback aaaa --commit"


def test_severities_of_the_settings() -> None:
    (finding,) = uncommitted([RevisionId("aaaa")])
    assert with_severities([finding], {}) == (finding,)
    assert with_severities([finding], {"GM018": None}) == ()
    (softer,) = with_severities([finding], {"GM018": Severity.WARNING})
    assert softer.severity is Severity.WARNING
    assert (softer.code, softer.message, softer.hint) == (finding.code, finding.message, finding.hint)


def test_what_is_allowed_once_is_a_warning_whatever_the_settings_say() -> None:
    (finding,) = uncommitted([RevisionId("aaaa")])
    (allowed,) = with_severities([finding], {"GM018": Severity.ERROR}, ["GM018"])
    assert allowed.severity is Severity.WARNING
    assert with_severities([finding], {}, ["GM001"]) == (finding,)


def test_only_errors_decide() -> None:
    assert not has_errors([])
    assert not has_errors([unproven(script("aaaa"))])
    assert has_errors([unproven(script("aaaa")), *uncommitted([RevisionId("aaaa")])])

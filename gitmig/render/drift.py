"""The result of ``drift`` as text and as JSON."""

from __future__ import annotations

from dataclasses import replace

from gitmig.core.drifting import Drifted, Kind, words
from gitmig.core.schema.facets import render
from gitmig.operations.drift import Drift
from gitmig.render import consoles
from gitmig.render.diff import COLOURS, change_json
from gitmig.render.findings import findings_text, print_line
from gitmig.render.json import finding_json
from gitmig.wire.values import RevisionId, short

Json = dict[str, object]


def drift_text(result: Drift) -> None:
    """What differs, in three parts, with where it comes from; then what nobody knows."""
    out = consoles.output()
    err = consoles.status()
    for warning in result.warnings:
        print_line(err, f"Warning: {warning}", "yellow")
    print_line(out, f"database  {_place(result)}  [{result.database}]")
    for kind in Kind:
        for line in result.of(kind):
            origin = words(line, lambda revision: result.messages.get(revision, ""))
            text = f"{kind.value:<9}  {render(line.change)}"
            print_line(out, f"{text}  ({origin})" if origin else text, COLOURS[line.change.sign])
    for change in result.made_so:
        print_line(out, f"{'as made':<9}  {render(change)}", "dim")
    for table in result.unknown_tables:
        print_line(out, f"{'unknown':<9}  table {table}", "dim")
    if result.made_so:
        print_line(
            err, "as made: the revisions lead there, the models say otherwise; see gitmig verify", "dim"
        )
    if result.unknown_tables:
        print_line(err, "unknown: no revision has made it; left alone", "dim")
    findings_text(replace(finding, details=()) for finding in result.findings)
    if not result.lines:
        print_line(out, "no drift", "green")


def _place(result: Drift) -> str:
    heads = [f"{head} {result.messages.get(head, '')}".rstrip() for head in result.heads]
    models = f" (models of {short(result.commit)})" if result.commit else ""
    return f"at {', '.join(heads) or 'base'}{models}"


def drift_json(result: Drift) -> Json:
    """``drift --json``."""
    return {
        "version": 1,
        "database": {"name": result.database, "heads": list(result.heads)},
        "models_commit": result.commit,
        **{kind.value: [_line(line) for line in result.of(kind)] for kind in Kind},
        "as_made": [change_json(change) for change in result.made_so],
        "unknown_tables": list(result.unknown_tables),
        "like": result.like,
        "warnings": list(result.warnings),
        "findings": [finding_json(finding) for finding in result.findings],
    }


def _line(line: Drifted) -> Json:
    origin = line.origin
    made: Json | None = None
    if origin is not None:
        revision: RevisionId | None = origin.revision
        way = origin.way.value if revision is not None else None
        made = {"revision": revision, "commit": origin.commit, "way": way, "applied": not origin.later}
    return {**change_json(line.change), "origin": made}

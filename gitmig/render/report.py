"""The result of ``report`` as one page of HTML that needs nothing else, and as JSON and text.

What comes from the project is in the page as JSON, and its script makes text of it and never HTML.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gitmig import __version__
from gitmig.core.blame import Blamed, BlamedName
from gitmig.core.drawing import draw
from gitmig.core.references import key_columns, reference
from gitmig.core.schema.facets import FacetChange, FacetKey, Schema, inside
from gitmig.operations.report import Database, Point, Report
from gitmig.render import consoles
from gitmig.render.findings import print_line
from gitmig.wire.redaction import without_passwords
from gitmig.wire.values import LedgerRow, RevisionId

Json = dict[str, object]
_FOLDER = Path(__file__).parent / "page"
_SCRIPTS = ("data.js", "layout.js", "diagram.js", "timeline.js", "views.js", "main.js")
MARK = '<meta name="generator" content="gitmig report">'
"""What tells a page of ours from any other file."""


def page(result: Report) -> str:
    """The whole page. Its style and script are allowed by their digests, everything else is forbidden."""
    style = (_FOLDER / "page.css").read_text("utf-8")
    script = "\n".join((_FOLDER / name).read_text("utf-8") for name in _SCRIPTS)
    policy = f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}"
    parts = {
        "MARK": MARK,
        "POLICY": policy,
        "TITLE": html.escape(f"{_text(result.name)}: the schema over time"),
        "STYLE": style,
        # "<" as an escape: nothing in the data can end its element.
        "DATA": json.dumps(data(result), separators=(",", ":")).replace("<", "\\u003c"),
        "SCRIPT": script,
    }
    text = (_FOLDER / "page.html").read_text("utf-8")
    before, *rest = text.split("{{")
    pieces = [before]
    for piece in rest:
        name, _, after = piece.partition("}}")
        pieces += [parts[name], after]
    return "".join(pieces)


def report_text(result: Report, path: Path, size: int) -> None:
    """What was written, and what is not known."""
    out, counts = consoles.output(), _counts(result)
    named = ", ".join(f"{count} {word if count != 1 else word[:-1]}" for word, count in counts.items())
    print_line(out, f"{path}  {named}  {size / 1e6:.1f} MB", "bold")
    if result.unknown:
        names = ", ".join(_name(point) for point in result.unknown)
        print_line(consoles.status(), f"Warning: the tables at these are not known: {names}", "yellow")
        for reason in dict.fromkeys(point.reason for point in result.unknown if point.reason):
            print_line(consoles.status(), f"  {_text(reason)}")


def report_json(result: Report, path: Path, size: int) -> Json:
    """``report --json``."""
    return {
        "version": 1,
        "path": str(path),
        "bytes": size,
        **_counts(result),
        "unknown": [
            {
                "revision": point.script and point.script.revision,
                "commit": point.commit and point.commit.id,
                "reason": point.reason and _text(point.reason),
            }
            for point in result.unknown
        ],
    }


def _counts(result: Report) -> dict[str, int]:
    newest = next((point.schema for point in reversed(result.points) if point.schema is not None), None)
    return {
        "revisions": sum(1 for point in result.points if point.script is not None),
        "commits": sum(1 for point in result.points if point.script is None and point.commit is not None),
        "databases": len(result.databases),
        "tables": sum(1 for key in newest.facets if key.kind == "table") if newest is not None else 0,
    }


def data(result: Report) -> Json:
    """What the script shows.

    Facets and schemas are written once, a schema as what differs from the one before it. Points are named by
    their place, oldest first; a change is the facets before and after it, -1 for none.
    """
    table = _Table()
    graph = _graph(result)
    points = [_point(table, point, drawn) for point, drawn in zip(result.points, graph, strict=True)]
    databases = [_database(table, one) for one in result.databases]
    revisions = {p.script.revision: n for n, p in enumerate(result.points) if p.script is not None}
    histories = [_history(table, revisions, len(points) - 1, *one) for one in result.histories]
    return {
        "version": 1,
        "gitmig": __version__,
        "name": _text(result.name),
        "time": result.time,
        "branch": result.branch and _text(result.branch),
        "commit": result.commit,
        "points": points,
        "databases": databases,
        "histories": histories,
        "facets": table.facets,
        "keys": table.keys,
        "schemas": table.schemas,
    }


@dataclass(slots=True)
class _Table:
    """The facets and schemas that are mentioned, each once."""

    facets: list[list[object]] = field(default_factory=list)
    """Kind, table, name, definition; if they differ, its name below its table and what it is made of."""
    keys: dict[int, Json] = field(default_factory=dict)
    """By facet: the columns of a primary or foreign key, and what that refers to."""
    schemas: list[Json] = field(default_factory=list)
    _known: dict[tuple[FacetKey, str], int] = field(default_factory=dict)
    _versions: dict[tuple[str, frozenset[int]], int] = field(default_factory=dict)
    _last: frozenset[int] = frozenset()

    def facet(self, key: FacetKey, ddl: str | None, dialect: str) -> int:
        if ddl is None:
            return -1
        if (key, ddl) not in self._known:
            self._known[key, ddl] = len(self.facets)
            label, body = inside(key, ddl)
            row: list[object] = [key.kind, key.table, key.name, _text(ddl)]
            if (label, body) != (key.name, ddl):
                row += [label, _text(body)]
            self.facets.append(row)
            self._read_key(key.kind, ddl, dialect)
        return self._known[key, ddl]

    def schema(self, schema: Schema | None) -> int | None:
        if schema is None:
            return None
        facets = frozenset(self.facet(key, ddl, schema.dialect) for key, ddl in schema.facets.items())
        place = self._versions.setdefault((schema.dialect, facets), len(self.schemas))
        if place == len(self.schemas):
            added, removed = facets - self._last, self._last - facets
            self.schemas.append({"dialect": schema.dialect, "add": sorted(added), "del": sorted(removed)})
            self._last = facets
        return place

    def changes(self, changes: Sequence[FacetChange], dialect: str) -> list[list[int]]:
        return [[self.facet(c.key, c.before, dialect), self.facet(c.key, c.after, dialect)] for c in changes]

    def _read_key(self, kind: str, ddl: str, dialect: str) -> None:
        if kind == "primary key":
            self.keys[len(self.facets) - 1] = {"columns": key_columns(ddl, dialect)}
        elif kind == "foreign key" and (found := reference(ddl, dialect)) is not None:
            read: Json = {"columns": found.columns, "table": found.table, "to": found.to}
            self.keys[len(self.facets) - 1] = read


def _graph(result: Report) -> list[list[str]]:
    """For each point the lines of the drawing that end with its own, the graph being drawn newest first."""
    names = [RevisionId(str(place)) for place in range(len(result.points))]
    parents = {names[n]: [names[at] for at in point.parents] for n, point in enumerate(result.points)}
    drawn: list[list[str]] = [[] for _ in names]
    above: list[str] = []
    for line, name in draw(names[::-1], parents):
        above.append(line)
        if name is not None:
            drawn[int(name)], above = above, []
    return drawn


def _point(table: _Table, point: Point, drawn: list[str]) -> Json:
    dialect = point.schema.dialect if point.schema is not None else ""
    script, tie = point.script, point.tie
    found: Json = {
        "kind": "revision" if script is not None else "commit" if point.commit is not None else "work tree",
        "id": script.revision if script is not None else point.commit.id if point.commit is not None else "",
        "title": _title(point),
        "schema": table.schema(point.schema),
        "changes": None if point.changes is None else table.changes(point.changes, dialect),
        "parents": point.parents,
        "graph": drawn,
    }
    more: Json = {
        "reason": point.reason and _text(point.reason),
        "tags": [_text(tag) for tag in point.tags],
        "head": point.is_head,
        "path": script and script.path,
        "follows": list(script.down_revisions) if script is not None else [],
        "message": _text(script.message) if script is not None and script.message != script.title else None,
        "commit": point.commit.id if point.commit is not None and script is not None else None,
        "subject": _text(point.commit.subject) if point.commit is not None and script is not None else None,
        "time": point.commit.time if point.commit is not None else None,
        "author": _text(point.author.name) if point.author is not None else None,
        "tie": tie.state.value if tie is not None and script is not None else None,
        "models": tie.models_commit if tie is not None else None,
    }
    return found | {name: value for name, value in more.items() if value}


def _title(point: Point) -> str:
    if point.script is not None:
        return _text(point.script.title or point.script.message)
    if point.commit is not None:
        return _text(point.commit.subject)
    return "what the models have beyond the last revision"


def _name(point: Point) -> str:
    if point.script is not None:
        return point.script.revision
    return point.commit.id[:8] if point.commit is not None else "the work tree"


def _database(table: _Table, database: Database) -> Json:
    return {
        "name": _text(database.name),
        "time": database.time,
        "heads": database.heads,
        "schema": table.schema(database.schema),
        "moves": [_move(row) for row in database.moves],
    }


def _move(row: LedgerRow) -> Json:
    # A page is passed on: who, and no address.
    who = (row.who or "").partition(" <")[0]
    return {
        "time": row.time,
        "who": _text(who),
        "direction": row.direction.value,
        "revision": row.revision,
        "seconds": row.seconds,
    }


def _history(
    table: _Table, revisions: dict[RevisionId, int], ahead: int, subject: BlamedName, blamed: Sequence[Blamed]
) -> list[object]:
    steps: list[list[object]] = []
    for one in blamed:
        place = revisions[one.revision] if one.revision is not None else ahead
        step: list[object] = [place, table.changes(one.changes, "")]
        if one.renamed_from is not None:
            step.append(one.renamed_from.name)
        steps.append(step)
    return [subject.table, subject.column, steps]


def _text(text: str) -> str:
    """Text that somebody wrote, without passwords of URLs."""
    return without_passwords(text)


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

"""The result of ``diff`` as text, SQL, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gitmig.core.differences import Rename, TableChanges
from gitmig.core.schema.facets import FacetChange
from gitmig.facts.sides import ComparedSide
from gitmig.operations.diff import Diff
from gitmig.render import consoles
from gitmig.render.findings import print_line

Json = dict[str, object]
COLOURS = {"+": "green", "-": "red", "~": "yellow"}
LONGEST = 60_000
"""GitHub takes comments of 65,536 characters."""


def diff_text(result: Diff) -> None:
    """Table by table; that there is no difference goes to stderr."""
    _warn(result)
    out = consoles.output()
    for line in lines(result.tables):
        print_line(out, line, COLOURS.get(line.strip()[:1]))
    if result.renames:
        print_line(out, "")
    for rename in result.renames:
        print_line(out, f"renamed?  {renamed(rename)}", "cyan")
    if result.equal:
        print_line(consoles.status(), f"{result.old.label} and {result.new.label} have the same schema")


def diff_sql(result: Diff) -> None:
    """The statements, each ended by a semicolon."""
    _warn(result)
    for statement in result.sql:
        end = "" if statement.startswith("--") else ";"
        consoles.output().print(f"{statement}{end}", markup=False)


def diff_markdown(result: Diff) -> None:
    """A comment for a pull request."""
    _warn(result)
    title = f"#### Schema: {cell(result.old.label)} → {cell(result.new.label)}"
    whole = "\n".join(diff_lines(result, title))
    print(whole if len(whole) <= LONGEST else shortened(result, title))


def diff_lines(result: Diff, title: str) -> list[str]:
    """The lines of that comment, under ``title``."""
    text = [title, ""]
    if result.equal:
        text.append("No difference.")
    for group in result.tables:
        text += ["```diff", *fenced(lines([group], marked=True)), "```"]
    text += [f"- renamed? {cell(renamed(rename))}" for rename in result.renames]
    if result.sql:
        text += ["", "<details><summary>SQL</summary>", "", "```sql"]
        text += [*fenced(f"{statement};" for statement in result.sql), "```", "", "</details>"]
    return text


def diff_json(result: Diff, *, sql: bool) -> Json:
    """``diff --json``."""
    answer: Json = {
        "version": 1,
        "a": _side(result.old),
        "b": _side(result.new),
        "equal": result.equal,
        "dialect": result.dialect,
        "changes": [change_json(change) for change in result.changes],
        "renames": [{"table": r.table or None, "old": r.old, "new": r.new} for r in result.renames],
        "warnings": list(result.warnings),
    }
    return answer | {"sql": list(result.sql)} if sql else answer


def change_json(change: FacetChange) -> Json:
    """One facet that changes."""
    return {
        "sign": change.sign,
        "kind": change.key.kind,
        "table": change.key.table or None,
        "name": change.key.name or None,
        "before": change.before,
        "after": change.after,
    }


def lines(tables: Iterable[TableChanges], *, marked: bool = False) -> Iterator[str]:
    """The changes of some tables; ``marked``: each line begins with its sign, as a diff's does."""
    for group in tables:
        if group.table:
            yield f"{group.sign if marked or group.sign != '~' else ' '} {group.table}".strip(
                "" if marked else None
            )
        for line in group.lines:
            sign, _, rest = line.partition(" ")
            yield f"{sign}   {rest}" if marked else f"  {line}"


def renamed(rename: Rename) -> str:
    """A suggestion in words."""
    place = f"{rename.table}." if rename.table else ""
    return f"{place}{rename.old} → {place}{rename.new}"


def _side(side: ComparedSide) -> Json:
    return {"name": side.word, "commit": side.commit, "revision": side.revision}


def _warn(result: Diff) -> None:
    for warning in result.warnings:
        print_line(consoles.status(), f"Warning: {warning}", "yellow")


def shortened(result: Diff, title: str) -> str:
    """The same, cut down to a list of tables."""
    rows = [
        f"- `{group.sign}` {cell(group.table or 'other')}: {len(group.changes)}" for group in result.tables
    ]
    return "\n".join([title, "", f"{len(result.changes)} changes:", "", *rows])


def fenced(rows: Iterable[str]) -> Sequence[str]:
    """Lines that do not end the fence around them."""
    # A fence in a comment or a default would end ours.
    return [row.replace("```", "`\u200b``") for row in rows]


def cell(text: str) -> str:
    """A text that Markdown shows as it is."""
    return "".join(f"\\{char}" if char in "\\`*_<>[]|" else char for char in text)

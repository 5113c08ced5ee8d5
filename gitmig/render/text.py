"""``status`` and ``log`` as text."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from gitmig.applied.drift import Recorded
from gitmig.applied.work_trees import RecordedStep
from gitmig.core.drawing import draw
from gitmig.core.ties import TieState
from gitmig.operations.log import Line, Log
from gitmig.operations.status import Status
from gitmig.render import consoles
from gitmig.render.findings import findings_text, print_line
from gitmig.render.harmless import harmless
from gitmig.render.hints import hinted
from gitmig.wire.values import RevisionId, short

_TIES = {
    TieState.VERIFIED: "green",
    TieState.APPROXIMATE: "yellow",
    TieState.UNTIED: "red",
    TieState.UNCOMMITTED: "cyan",
}
_READABLE = 20
"""Less of a line is not worth shortening it for."""
_Cells = tuple[tuple[str, str], ...]
"""Texts with their styles: of a row, or of a line."""
_DATE = 4
"""The column of ``log`` that goes first where the terminal is narrow."""


def status_text(status: Status) -> None:
    """Three lines, the findings, and the one command that brings everything in step."""
    out = consoles.output()
    messages = _described(status)
    several = len(status.database.others)
    name = status.database.name + (f", and {several} more" if several else "")
    _row_of(out, "database", _at(status.database.heads, messages), _tie(status), name)
    _row_of(out, "checkout", _at(status.heads, messages), "", _checked_out(status))
    _row_of(out, "models", *_models(status))
    if status.recorded is not None and status.recorded.moved is not None and not status.in_step:
        print_line(out, f"recorded  {_moved(status.recorded.moved)}", "yellow")
    elif status.recorded is not None and status.recorded.gap:
        print_line(out, f"recorded  {_gap(status.recorded, messages)}", "yellow")
        offer = hinted("gitmig drift compares its tables with the models of its revision")
        print_line(consoles.status(), offer, "dim")
        if any(finding.code == "GM011" for finding in status.findings):
            offer = hinted("gitmig rollback --files-only puts its models into the work tree")
            print_line(consoles.status(), offer, "dim")
    for note in status.notes:
        print_line(consoles.status(), f"Note: {hinted(note)}", "yellow")
    # The last line says the one that brings everything in step; a finding repeats nothing.
    findings_text(replace(f, hint=None) if f.hint == status.hint else f for f in status.findings)
    if status.in_step:
        out.print("in step", style="green")
    else:
        print_line(out, f"→ {hinted(status.hint or '')}", "bold")


def _row_of(console: Console, label: str, text: str, known: str, where: str) -> None:
    """One line that fits the terminal, if shortening its text does it."""
    lead, tail = f"{label:<8}  ", "".join(f"  {part}" for part in (known, where and f"[{where}]") if part)
    room = console.width - len(lead) - cell_len(tail)
    if console.is_terminal and cell_len(text) > room >= _READABLE:
        text = f"{set_cell_size(text, room - 1).rstrip()}…"
    print_line(console, f"{lead}{text}{tail}")


def _described(status: Status) -> dict[RevisionId, str]:
    """What stands beside a revision: its branch labels and its title."""
    titles, labels = dict(status.messages), dict(status.labels)
    found = {}
    for revision in {*titles, *labels}:
        label = f"({', '.join(labels[revision])})" if revision in labels else ""
        found[revision] = f"{label} {titles.get(revision, '')}".strip()
    return found


def _at(heads: Iterable[RevisionId], messages: dict[RevisionId, str]) -> str:
    names = [f"{head} {messages.get(head, '')}".rstrip() for head in heads]
    return ", ".join(names) or "base"


def _tie(status: Status) -> str:
    tie = status.tie
    if tie is None:
        return ""
    return f"({short(tie.models_commit)}, {tie.state.value})" if tie.models_commit else f"({tie.state.value})"


def _checked_out(status: Status) -> str:
    if not status.repository:
        return f"commit {short(status.commit)}, no repository" if status.commit else "no repository"
    return f"{status.branch or 'detached'} {short(status.commit) if status.commit else 'no commit yet'}"


def _moved(moved: RecordedStep) -> str:
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(moved.row.time))
    branch = f" ({moved.row.branch})" if moved.row.branch else ""
    who = f" by {moved.row.who}" if moved.row.who else ""
    return f"moved {moment}{who} from the work tree {moved.tree}{branch}"


def _gap(recorded: Recorded, messages: dict[RevisionId, str]) -> str:
    by = "something other than gitmig" if recorded.ledger else "something other than gitmig in this clone"
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(recorded.rows[-1].time))
    return f"moved by {by} since {moment}, when it was left at {_at(recorded.heads or (), messages)}"


def _models(status: Status) -> tuple[str, str, str]:
    if not status.repository:
        return "not compared: there is no repository to compare them with", "", ""
    if not status.models:
        return "none configured (gitmig init)", "", ""
    modified = status.place.modified
    where = modified[0] if len(modified) == 1 else f"{len(modified)} files"
    if status.commit is None:
        return "in no commit yet", "", ", ".join(status.models)
    if status.place.revision is None:
        return "changed since the last commit" if modified else "as committed", "", where if modified else ""
    whose = f"those of {status.place.revision}"
    if not modified:
        return f"{whose}, as committed", "", ""
    return whose, "", f"{where} {'differs' if len(modified) == 1 else 'differ'} from the commit"


def log_text(log: Log, *, graph: bool = False) -> None:
    """One line for each revision, newest first, with the places of database and checkout marked.

    ``graph``: beside a drawing of which follows which.
    """
    out = consoles.output()
    rows = [_row(line, log) for line in log.lines]
    lines = _aligned(rows)
    if out.is_terminal and max(map(_width, lines), default=0) > out.width:
        lines = _aligned([row[:_DATE] + row[_DATE + 1 :] for row in rows])
    drawn = _drawn(log, lines) if graph else lines
    if out.is_terminal:
        for each in drawn:
            text = Text.assemble(*each)
            text.truncate(out.width, overflow="ellipsis")
            out.print(text)
    else:
        # Rich takes a second for ten thousand lines that have no colour.
        out.file.writelines(f"{_plain(each).expandtabs(8)}\n" for each in drawn)
        out.file.flush()  # before what stderr says of it
    if not rows:
        out.print("no revisions yet")
    findings_text(log.findings)
    err = consoles.status()
    if not log.repository:
        of = (
            f"the files are of commit {log.commit}"
            if log.commit
            else "GITMIG_COMMIT does not say which commit"
        )
        print_line(err, f"no repository: {of}; gitmig status asks the database", "dim")
        return
    if rows and all(line.tie is None for line in log.lines):
        err.print("no models configured: gitmig init", style="dim")
    if log.shallow:
        err.print(
            "this clone lacks commits that revisions may be tied to: git fetch --unshallow", style="dim"
        )
    if log.seen is None:
        err.print("the database was never looked at from here: gitmig status", style="dim")
        return
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(log.seen.time))
    print_line(err, f"database last seen {moment}: {log.seen.database}", "dim")


def _drawn(log: Log, lines: Sequence[_Cells]) -> Iterator[_Cells]:
    scripts = [line.script for line in log.lines]
    drawn = draw([s.revision for s in scripts], {s.revision: s.down_revisions for s in scripts})
    width = max((len(line) for line, _ in drawn), default=0)
    rest = iter(lines)
    for line, revision in drawn:
        yield ((line, ""),) if revision is None else ((f"{line:<{width}}  ", ""), *next(rest))


def _plain(line: _Cells) -> str:
    return "".join(text for text, _ in line)


def _width(line: _Cells) -> int:
    return sum(_cell_len(text) for text, _ in line)


def _cell_len(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)


def _aligned(rows: Sequence[_Cells]) -> list[_Cells]:
    """The rows with cells as wide as their column, but for the marks and the title at the end."""
    columns = list(zip(*rows, strict=True))[:-2]
    widths = [max(_cell_len(text) for text, _ in column) for column in columns]
    lines: list[_Cells] = []
    for row in rows:
        line = [
            (text + " " * (width - _cell_len(text) + 2), style)
            for (text, style), width in zip(row, widths, strict=False)
        ]
        line += row[-2:]
        while not line[-1][0].rstrip():
            line.pop()
        line[-1] = (line[-1][0].rstrip(), line[-1][1])
        lines.append(tuple(line))
    return lines


def _row(line: Line, log: Log) -> _Cells:
    marks = []
    if log.seen is not None and line.script.revision in log.seen.heads:
        marks.append("database")
    if line.head:
        marks.append("checkout")
    applied = {True: "●", False: "○", None: "?"}[line.applied]
    commit = line.models_commit or line.introduced
    marked = f"({', '.join(marks)}) " if marks else ""
    return (
        (applied, "green" if line.applied else "dim"),
        (harmless(line.script.revision), ""),
        (short(commit.id) if commit else "—", "yellow"),
        (line.tie.state.value, _TIES[line.tie.state]) if line.tie else ("—", ""),
        (time.strftime("%Y-%m-%d", time.gmtime(commit.time)) if commit else "", "dim"),
        (marked + (f"({', '.join(line.labels)}) " if line.labels else ""), "bold cyan"),
        (harmless(line.script.title), ""),
    )

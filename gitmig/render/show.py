"""The results of ``show`` and ``why`` as text and as JSON."""

from __future__ import annotations

import time

from gitmig.core.schema.facets import render_inside
from gitmig.core.ties import Tie
from gitmig.git.commits import Author, Commit
from gitmig.operations.show import ShowResult
from gitmig.operations.why import Reason, Why
from gitmig.render import consoles
from gitmig.render.diff import COLOURS, change_json, lines
from gitmig.render.findings import print_line
from gitmig.wire.values import short

Json = dict[str, object]


def show_text(shown: ShowResult) -> None:
    """The revision, its commits, where it is applied, what changes, and its statements."""
    out = consoles.output()
    script = shown.script
    print_line(out, f"revision {script.revision}", "bold")
    print_line(out, f"message   {script.message}")
    print_line(out, f"follows   {', '.join(script.down_revisions) or 'base'}")
    print_line(out, f"file      {script.path}")
    if shown.introduced is not None:
        print_line(out, f"commit    {_commit(shown.introduced, shown.author)}")
    if shown.tie is not None:
        models = short(shown.models_commit.id) if shown.models_commit is not None else "in no commit"
        print_line(out, f"models    {models} ({shown.tie.state.value})")
    for one in shown.applied:
        word = {True: "applied", False: "not applied", None: "not known"}[one.applied]
        by = f" by {one.who}" if one.who else ""
        print_line(out, f"database  {one.database}: {word}{by}, as of {_moment(one.time)}")
    print_line(out, "")
    if shown.changes is None:
        print_line(out, f"what it changes is not known: {shown.reason}", "yellow")
    elif not shown.changes:
        print_line(out, "it changes nothing in the models")
    for line in lines(shown.tables):
        print_line(out, line, COLOURS.get(line.strip()[:1]))
    _statements_text(shown)


def _statements_text(shown: ShowResult) -> None:
    out = consoles.output()
    for word, statements in (("upgrade", shown.statements.up), ("downgrade", shown.statements.down)):
        if statements:
            print_line(out, f"\n-- {word}", "dim")
        for statement in statements:
            print_line(out, f"{statement};")
    if shown.statements.reason is not None:
        print_line(consoles.status(), f"Warning: its statements: {shown.statements.reason}", "yellow")


def show_json(shown: ShowResult) -> Json:
    """``show --json``."""
    script = shown.script
    return {
        "version": 1,
        "revision": script.revision,
        "message": script.message,
        "down_revisions": list(script.down_revisions),
        "path": script.path,
        **_commits(shown.tie, shown.introduced, shown.author),
        "models_commit": shown.models_commit and shown.models_commit.id,
        "changes": None if shown.changes is None else [change_json(change) for change in shown.changes],
        "reason": shown.reason,
        "statements": {
            "upgrade": list(shown.statements.up),
            "downgrade": list(shown.statements.down),
            "reason": shown.statements.reason,
        },
        "applied": [
            {"database": one.database, "applied": one.applied, "time": one.time, "who": one.who}
            for one in shown.applied
        ],
    }


def why_text(result: Why) -> None:
    """The revisions, newest first, each with its commit and author, and what it did."""
    out = consoles.output()
    if not result.exists:
        print_line(out, f"{result.subject.name} is no longer there", "yellow")
    for reason in result.reasons:
        print_line(out, _head(reason), "bold")
        for change in reason.blamed.changes:
            print_line(out, f"  {render_inside(change)}", COLOURS[change.sign])
        if reason.blamed.renamed_from is not None:
            print_line(out, f"  renamed from {reason.blamed.renamed_from.name}?", "cyan")
    if result.unknown:
        err = consoles.status()
        names = ", ".join(revision for revision, _ in result.unknown)
        print_line(err, f"Warning: what these changed is not known: {names}", "yellow")
        for why in dict.fromkeys(why for _, why in result.unknown if why is not None):
            print_line(err, f"  {why}")


def _head(reason: Reason) -> str:
    if reason.script is None:
        return "the work tree, in no revision yet"
    title = f"{reason.script.revision}  {reason.script.message}"
    commit = _commit(reason.commit, reason.author) if reason.commit else "(not committed)"
    return f"{title}  {commit}"


def why_json(result: Why) -> Json:
    """``why --json``."""
    return {
        "version": 1,
        "table": result.subject.table,
        "column": result.subject.column,
        "exists": result.exists,
        "reasons": [_reason(reason) for reason in result.reasons],
        "unknown": [{"revision": revision, "reason": why} for revision, why in result.unknown],
    }


def _reason(reason: Reason) -> Json:
    renamed = reason.blamed.renamed_from
    return {
        "revision": reason.blamed.revision,
        "message": reason.script and reason.script.message,
        **_commits(reason.tie, reason.commit, reason.author),
        "changes": [change_json(change) for change in reason.blamed.changes],
        "renamed_from": renamed and renamed.name,
    }


def _commits(tie: Tie | None, introduced: Commit | None, author: Author | None) -> Json:
    wrote = {"name": author.name, "email": author.email, "time": author.time} if author is not None else None
    return {
        "tie": tie and tie.state.value,
        "introduced": introduced and introduced.id,
        "subject": introduced and introduced.subject,
        "author": wrote,
    }


def _commit(commit: Commit, author: Author | None) -> str:
    day = time.strftime("%Y-%m-%d", time.gmtime(author.time if author is not None else commit.time))
    who = f" {author.name}" if author is not None else ""
    return f"{short(commit.id)} {day}{who}  {commit.subject}".rstrip()


def _moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))

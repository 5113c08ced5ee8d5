"""``gitmig rebase``."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.joining import move, two_sided
from gitmig.cli.moving import undoing
from gitmig.cli.several import speak
from gitmig.cli.terminal import Terminal
from gitmig.errors import UsageError
from gitmig.moving.plans import RunOptions
from gitmig.operations.rebase import RebaseOptions, rebase, require_merged
from gitmig.operations.rebase_check import rebase_check
from gitmig.render.rebase import check_json, check_text

Check = Annotated[
    bool, typer.Option("--check", help="Say whether the two sides commute, and change nothing.")
]
Fix = Annotated[
    bool, typer.Option("--fix", help="For a bot on a merge: the files alone, if nothing has to be decided.")
]


@undoing
def run(
    common: Common,
    how: RunOptions,
    revisions: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REV...]", help="What goes on top; by default what git and history say."),
    ] = None,
    onto: Annotated[
        str | None,
        typer.Option("--onto", metavar="REF", help="The branch or commit whose revisions stay as they are."),
    ] = None,
    check: Check = False,
    fix: Fix = False,
    no_commit: Annotated[bool, typer.Option("--no-commit", help="Stage the files instead.")] = False,
    database_only: Annotated[
        bool, typer.Option("--database-only", help="The database alone; the files are rewritten already.")
    ] = False,
    files_only: Annotated[
        bool, typer.Option("--files-only", help="The files alone; the database follows with gitmig sync.")
    ] = False,
) -> int:
    """Put this branch's unpublished revisions on top of what the other side added."""
    given = tuple(revisions or ())
    if check:
        if fix or no_commit or database_only or files_only:
            raise UsageError("--check changes nothing", hint="gitmig rebase --check [REF] --onto REF")
        return _check(common, given, onto)
    options = RebaseOptions(
        revisions=given,
        onto=onto,
        commit=not no_commit,
        database_only=database_only,
        files_only=files_only,
        fix=fix,
    )
    if fix:
        how = replace(how, prompter=Terminal(agreed=True, quiet=common.format == "json"))
    projects = two_sided(common, given, onto=onto)
    if len(projects) > 1:
        require_merged(projects[0], onto)
    return move(common, projects, lambda one: rebase(one, options, how))


def _check(common: Common, refs: tuple[str, ...], onto: str | None) -> int:
    projects = two_sided(common, ours=refs[0] if refs else None, onto=onto)
    if len(projects) > 1:
        return speak(
            projects,
            common.format,
            lambda project: rebase_check(project, refs, onto),
            text=check_text,
            as_json=check_json,
            code=lambda found: int(found.failed),
        )
    found = rebase_check(projects[0], refs, onto)
    if common.format == "json":
        print(json.dumps(check_json(found)))
    else:
        check_text(found)
    return int(found.failed)

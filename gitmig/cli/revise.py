"""``gitmig revise``."""

from __future__ import annotations

from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import DdlLockTimeout, DryRun, Wait, Yes, finish, run_options
from gitmig.drafting.answers import fill_of, rename_of
from gitmig.drafting.drafter import ReviseOptions
from gitmig.operations.revise import revise

Message = Annotated[str | None, typer.Option("-m", "--message", metavar="MSG", help="What changes.")]
Draft = Annotated[bool, typer.Option("--draft", help="Write the revision and stop.")]
Edit = Annotated[bool, typer.Option("--edit", help="Open the draft in the editor first.")]
Empty = Annotated[bool, typer.Option("--empty", help="A data migration: no schema difference.")]
NoCommit = Annotated[
    bool, typer.Option("--no-commit", help="Apply and stage; commit it with your other changes.")
]
Amend = Annotated[bool, typer.Option("--amend", help="Redo the unpublished head revision.")]
Head = Annotated[
    str | None, typer.Option("--head", metavar="HEAD", help="The head to go on from, such as core@head.")
]
Renames = Annotated[
    list[str] | None,
    typer.Option(
        "--rename", metavar="TABLE.OLD:NEW", help="A column, table or label with a new name; repeatable."
    ),
]
Fills = Annotated[
    list[str] | None,
    typer.Option(
        "--fill",
        metavar="TABLE.COLUMN=SQL",
        help="What the rows that are there get in a column that may not be NULL; repeatable.",
    ),
]
NoProof = Annotated[
    bool, typer.Option("--no-proof", help="Do not try the draft on a scratch database first.")
]


def run(
    common: Common,
    message: Message = None,
    draft: Draft = False,
    edit: Edit = False,
    empty: Empty = False,
    no_commit: NoCommit = False,
    amend: Amend = False,
    head: Head = None,
    rename: Renames = None,
    fill: Fills = None,
    no_proof: NoProof = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = 60.0,
    ddl_lock_timeout: DdlLockTimeout = None,
) -> int:
    """Draft a revision from what the models changed; review, apply and commit it with them."""
    project = common.open()
    options = ReviseOptions(
        message=message,
        draft=draft,
        edit=edit,
        empty=empty,
        commit=not no_commit,
        amend=amend,
        head=head,
        proof=not no_proof,
        renames=tuple(map(rename_of, rename or ())),
        fills=tuple(map(fill_of, fill or ())),
    )
    how = run_options(common, dry_run=dry_run, yes=yes, wait=wait, ddl_lock_timeout=ddl_lock_timeout)
    return finish(common, project, revise(project, options, how))

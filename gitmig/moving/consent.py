"""What a plan needs beyond ``--yes``: a protected database is named, and a person knows of others' work."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from gitmig.core.plan import Plan
from gitmig.errors import Refused
from gitmig.git.repository import Repository
from gitmig.moving.plans import PlannedMove, RunOptions, UnreviewedScript
from gitmig.moving.protection import is_protected, last_part, require_named
from gitmig.wire.values import Action, LedgerRow


def protection(
    repository: Repository | None,
    directory: Path,
    run_options: RunOptions,
    command: str,
    database: str,
    plan: Plan,
) -> tuple[str, ...]:
    """What a dry run says of a protected database in which something is undone.

    Raises Refused where another database than this one was named, and where this one is protected and was not
    named with ``--yes``. A hook moves nothing there.
    """
    if run_options.database is not None:
        require_named(database, run_options.database)
    touched = (Action.DOWNGRADE, Action.UPGRADE) if run_options.unattended else (Action.DOWNGRADE,)
    if not plan.of(*touched) or not is_protected(repository, database, directory):
        return ()
    if run_options.unattended:
        raise Refused(f"{database} is protected", hint="gitmig sync")
    if run_options.dry_run:
        return (f"{database} is protected: undoing takes --yes and --database {last_part(database)}",)
    if run_options.prompter.agreed and run_options.database is not None:
        return ()
    missing = () if run_options.prompter.agreed else ("--yes",)
    if run_options.database is None:
        missing = (*missing, "--database", last_part(database))
    raise Refused(
        f"{database} is protected: nothing is undone in it without --yes and its name",
        hint="gitmig revise -m MESSAGE, for another revision"
        if command == "revise"
        else run_options.again(*missing),
    )


def require_harmless(run_options: RunOptions, prepared: PlannedMove) -> None:
    """Raise Refused where a hook would change files: those were left there by a rollback."""
    if run_options.unattended and prepared.restoration is not None and prepared.restoration.paths:
        raise Refused("a rollback left the models as they are", hint="gitmig sync")


def describe_others_work(row: LedgerRow) -> str:
    """Who applied a revision, and when."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.time))
    return f"{row.revision} was applied by {row.who} ({when})"


def asked_in_person(
    run_options: RunOptions,
    command: str,
    others: Sequence[LedgerRow],
    unreviewed_scripts: Sequence[UnreviewedScript],
) -> tuple[str, ...]:
    """What a person has to be asked even with ``--yes``: what others applied, and scripts that were fetched.

    Raises Refused where nobody is there to be asked. Whoever was named with ``--including`` is not among the
    others.
    """
    for one in unreviewed_scripts if not run_options.prompter.present else ():
        # Before whose work it is: a name would not help here.
        raise Refused(
            f"{not_run_yet(one)}: it is not run without a question",
            hint=f"{one.look}; then answer on a terminal, without --yes",
        )
    open_rows = [row for row in others if not _is_included(run_options, row)]
    told = tuple(describe_others_work(row) for row in open_rows)
    if told and not run_options.prompter.present:
        names = dict.fromkeys(row.who or "" for row in open_rows)
        more = tuple(word for name in names for word in ("--including", name))
        raise Refused(
            f"{'; '.join(told)}: that is undone only where their name is given",
            hint="answer on a terminal, without --yes" if command == "revise" else run_options.again(*more),
        )
    return (*told, *map(not_run_yet, unreviewed_scripts))


def not_run_yet(unreviewed: UnreviewedScript) -> str:
    """What a plan says of a script that nobody here has run."""
    return f"the script of {unreviewed.revision} was only fetched"


def _is_included(run_options: RunOptions, row: LedgerRow) -> bool:
    who = row.who or ""
    return who in run_options.including or who.partition(" <")[0] in run_options.including

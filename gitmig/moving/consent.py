"""What a plan needs beyond ``--yes``: a protected database is named, and a person knows of others' work."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import unquote

from gitmig.core.plan import Plan
from gitmig.errors import Refused
from gitmig.git.repository import Repository
from gitmig.moving.plans import PlannedMove, RunOptions, UnreviewedScript
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

    Raises Refused if another database than this one was named, and where this one is protected and was not
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
    """Raise Refused if a hook would change files: those were left there by a rollback."""
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

    Raises Refused if nobody is there to be asked. Whoever was named with ``--including`` is not among the
    others.
    """
    for one in unreviewed_scripts if not run_options.prompter.present else ():
        # Before whose work it is: a name would not help here.
        raise Refused(
            f"{not_run_yet(one)}: it is not run without a question",
            hint=f"{one.look}; then answer on a terminal, without --yes",
        )
    open_rows = [row for row in others if not _is_included(run_options, row)]
    described = tuple(describe_others_work(row) for row in open_rows)
    if described and not run_options.prompter.present:
        names = dict.fromkeys(row.who or "" for row in open_rows)
        more = tuple(word for name in names for word in ("--including", name))
        raise Refused(
            f"{'; '.join(described)}: undone only if you give their name",
            hint="answer on a terminal, without --yes" if command == "revise" else run_options.again(*more),
        )
    return (*described, *map(not_run_yet, unreviewed_scripts))


def not_run_yet(unreviewed: UnreviewedScript) -> str:
    """What a plan says of a script that nobody here has run."""
    return f"the script of {unreviewed.revision} was only fetched"


def _is_included(run_options: RunOptions, row: LedgerRow) -> bool:
    who = row.who or ""
    return who in run_options.including or who.partition(" <")[0] in run_options.including


KEY = "gitmig.protected"


def is_protected(repository: Repository | None, database: str, directory: Path) -> bool:
    """Whether a pattern of git's configuration matches a database, named as ``status`` prints it.

    Patterns (as of fnmatch, in any case) are matched with ``host/database``, for SQLite with the file's path;
    one without a slash also with the host, the database or the file's name alone. ``directory`` is what
    relative paths of SQLite files are relative to. Without a repository nothing is protected.
    """
    if repository is None:
        return False
    patterns = repository.config_all(KEY)
    return any(matches(pattern, database, directory) for pattern in patterns)


def matches(pattern: str, database: str, directory: Path) -> bool:
    """Whether one pattern matches a database."""
    wanted = os.path.expanduser(pattern.strip()).lower()
    names = [*_places(database, directory)]
    if "/" not in wanted:
        names += [part for name in names for part in (name.partition("/")[0], name.rpartition("/")[2])]
    # An IPv6 address has brackets, which are a set of characters to fnmatch.
    return any(name and (wanted == name or fnmatchcase(name, wanted)) for name in map(str.lower, names))


def require_named(database: str, name: str) -> None:
    """Raise Refused unless ``name`` is what ``status`` calls the database, or the last part of it."""
    if name not in (database, last_part(database)):
        raise Refused(f"the database is {database}, and not {name}", hint="gitmig status")


def last_part(database: str) -> str:
    """The database's name without its server, an SQLite file's without its folder."""
    return unquote(database).rpartition("/")[2]


def _places(database: str, directory: Path) -> Iterator[str]:
    driver, _, rest = database.partition("://")
    if driver.partition("+")[0] == "sqlite":
        path = unquote(rest).removeprefix("/").removeprefix("file:")
        if path:
            yield path
            yield os.path.normpath(directory / path)
            yield os.path.realpath(directory / path)
        return
    server, _, name = unquote(rest).rpartition("/")
    host = re.sub(r":\d+$", "", server)
    yield f"{server}/{name}"
    yield f"{host or 'localhost'}/{name}"
    if host.startswith("/"):
        yield f"localhost/{name}"  # a socket's folder

"""The commands: where each is, what it does in a line, how it is used. Nothing is imported for it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

ABOUT = "Keep SQLAlchemy models in git and the schema in the database in step."

COMMANDS: Mapping[str, str] = {
    "init": "init.run",
    "revise": "revise.run",
    "upgrade": "upgrade.run",
    "rollback": "rollback.run",
    "switch": "switch.run",
    "sync": "sync.run",
    "recover": "recover.run",
    "status": "status.run",
    "log": "log.run",
    "check": "check.run",
    "tie": "tie.run",
    "diff": "diff.run",
    "drift": "drift.run",
    "verify": "verify.run",
    "show": "show.run",
    "why": "why.run",
    "report": "report.run",
    "rebase": "rebase.run",
    "merge": "merge.run",
    "squash": "squash.run",
    "backport": "backport.run",
    "lock": "lock.run",
    "demo": "demo.run",
}
"""Each command's module and function in this folder."""

GROUPS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "hook": ("The git hooks of this clone", ("install", "uninstall", "status", "advise")),
    "park": ("Rows that were parked before a downgrade dropped them", ("list", "show", "drop")),
    "ledger": ("The table in the database that says what moved it", ("enable", "show")),
}
"""The commands that have commands of their own: what they are about, and the functions in their module."""

FORMATS = ("text", "json", "github")
MORE_FORMATS: Mapping[str, tuple[str, ...]] = {
    "check": ("sarif", "markdown"),
    "diff": ("markdown",),
    "verify": ("sarif",),
}
"""What every command takes after ``--format``, and what some can besides."""

_ASKED = {"--dry-run": False, "-y": False, "--yes": False, "--wait": True}
_MOVES = {**_ASKED, "--ddl-lock-timeout": True}
_UNDOES = {**_MOVES, "--no-park": False, "--database": True, "--including": True}

OPTIONS: Mapping[str, Mapping[str, bool]] = {
    "init": {"--head-file": False, "--dry-run": False, "-y": False, "--yes": False},
    "revise": {
        **_MOVES,
        "-m": True,
        "--message": True,
        "--draft": False,
        "--edit": False,
        "--empty": False,
        "--no-commit": False,
        "--amend": False,
        "--head": True,
        "--rename": True,
        "--fill": True,
        "--no-proof": False,
    },
    "upgrade": {**_MOVES, "--commit": False},
    "rollback": {**_UNDOES, "--commit": False, "--database-only": False, "--files-only": False},
    "switch": {**_UNDOES, "-c": True, "--create": True, "--detach": False},
    "sync": {**_UNDOES},
    "recover": {**_ASKED},
    "status": {},
    "log": {"--graph": False},
    "check": {"--staged": False, "--base": True, "--each-commit": False},
    "tie": {**_ASKED, "--trust": False},
    "diff": {"--sql": False},
    "drift": {},
    "verify": {"--since": True, "--last": True, "--seed": True, "--junit": True, "--write-baseline": False},
    "show": {},
    "why": {},
    "report": {"-o": True, "--output": True},
    "rebase": {
        **_UNDOES,
        "--onto": True,
        "--check": False,
        "--fix": False,
        "--no-commit": False,
        "--database-only": False,
        "--files-only": False,
    },
    "merge": {**_UNDOES, "-m": True, "--message": True, "--no-commit": False, "--files-only": False},
    "squash": {
        **_UNDOES,
        "-m": True,
        "--message": True,
        "--published": False,
        "--no-commit": False,
        "--files-only": False,
    },
    "backport": {**_UNDOES, "--onto": True, "--no-commit": False, "--files-only": False},
    "lock": {"--wait": True},
    "demo": {},
    "hook install": {"--dry-run": False, "-y": False, "--yes": False},
    "hook uninstall": {"--dry-run": False, "-y": False, "--yes": False},
    "hook status": {},
    "hook advise": {},
    "park list": {},
    "park show": {"--limit": True},
    "park drop": {**_ASKED, "--all": False},
    "ledger enable": {**_ASKED},
    "ledger show": {"--limit": True},
}
"""The options of each command besides those that every command takes, and whether a value follows."""

SUMMARIES: Mapping[str, str] = {
    "init": "Set up settings and hook; run it again at any time",
    "revise": "Draft a revision from the models, apply and commit it",
    "upgrade": "Move the database up, and the models that were rolled back",
    "rollback": "Move the database down, and put its models back",
    "switch": "Switch git and the database together",
    "sync": "Move the database to the revision of what is checked out",
    "recover": "Settle a command that was interrupted",
    "status": "Say where database, checkout and models stand",
    "log": "List the revisions with the commits of their models",
    "check": "Find models and revisions that do not go together",
    "tie": "Prove a revision, and record the models it was made for",
    "diff": "Compare the schemas of two commits, revisions or the database",
    "rebase": "Put this branch's revisions on top of the other side's",
    "merge": "Join two published heads in one revision",
    "squash": "Make one revision of many",
    "backport": "Copy a revision of another branch to this line",
    "show": "Show what a revision changes, and where it is applied",
    "why": "Say which revisions made a table or column what it is",
    "verify": "Run revisions up, down and up again on a scratch database",
    "drift": "Compare the live database with the revision it says it is at",
    "report": "Write a page that shows the schema over time",
    "lock": "Run plain Alembic, or anything, under the database's lock",
    "demo": "Play a whole story in a throw-away repository",
}
"""Each command in a line that fits 80 columns."""

DOING: Mapping[str, str] = {
    "init": "looking for environments, and importing their models",
    "revise": "drafting the revision, and trying it",
    "upgrade": "moving the database",
    "rollback": "moving the database",
    "switch": "moving git and the database",
    "sync": "moving the database",
    "recover": "settling what was interrupted",
    "status": "looking at the database, the models and the history",
    "log": "reading the history",
    "check": "importing the models, and trying what no record proves",
    "tie": "trying the revision",
    "diff": "importing the models of both sides",
    "rebase": "rewriting the revisions, and trying them",
    "merge": "writing the revision, and trying it",
    "squash": "writing the revision, and trying it",
    "backport": "copying the revision, and trying it",
    "show": "importing the models, and recording the statements",
    "why": "importing the models of each commit",
    "drift": "comparing the database with its models",
    "hook": "looking at the hooks",
    "park": "looking at the database",
    "ledger": "looking at the database",
}
"""What a command says it does if that takes longer than a second. The others show that in their own way."""

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "init": ("gitmig init", "gitmig init --dry-run", "gitmig --config db/alembic.ini init"),
    "revise": (
        'gitmig revise -m "Add an e-mail address"',
        'gitmig revise --draft -m "Add an e-mail address"',
        'gitmig revise --empty -m "Fill in the e-mail addresses"',
    ),
    "upgrade": ("gitmig upgrade", "gitmig upgrade +1", "gitmig upgrade --dry-run"),
    "rollback": ("gitmig rollback", "gitmig rollback -2 --dry-run", "gitmig rollback 3f2a9c01d4e5"),
    "switch": ("gitmig switch main", "gitmig switch -c feature", "gitmig switch -"),
    "sync": ("gitmig sync", "gitmig sync v1.3.2"),
    "recover": ("gitmig recover",),
    "status": ("gitmig status", "gitmig status --json"),
    "log": ("gitmig log", "gitmig log --graph", "gitmig log --json"),
    "check": ("gitmig check", "gitmig check --staged", "gitmig check --base origin/main --format github"),
    "tie": ("gitmig tie head", "gitmig tie 3f2a9c01d4e5 --trust"),
    "diff": ("gitmig diff v1.2 v1.3", "gitmig diff : .", "gitmig diff HEAD db --sql"),
    "rebase": ("gitmig rebase", "gitmig rebase --onto origin/main --dry-run"),
    "merge": ("gitmig merge", "gitmig merge --dry-run"),
    "squash": ("gitmig squash 3f2a9c01d4e5..head",),
    "backport": ("gitmig backport 3f2a9c01d4e5", "gitmig backport 3f2a9c01d4e5 --onto release/1.4"),
    "show": ("gitmig show head", "gitmig show 3f2a9c01d4e5 --json"),
    "why": ("gitmig why user.email",),
    "verify": ("gitmig verify --last 1", "gitmig verify --since origin/main"),
    "drift": ("gitmig drift", "gitmig drift --json"),
    "report": ("gitmig report", "gitmig report -o schema.html"),
    "lock": ("gitmig lock -- alembic upgrade head", "gitmig lock --wait 300 -- ./deploy.sh"),
    "demo": ("gitmig demo",),
    "hook install": ("gitmig hook install", "gitmig hook install --dry-run"),
    "hook uninstall": ("gitmig hook uninstall",),
    "hook status": ("gitmig hook status",),
    "hook advise": ("gitmig hook advise post-merge 0",),
    "park list": ("gitmig park list", "gitmig park list --json"),
    "park show": ("gitmig park show 3", "gitmig park show 3 --limit 10"),
    "park drop": ("gitmig park drop 3", "gitmig park drop --all --dry-run"),
    "ledger enable": ("gitmig ledger enable --dry-run", "gitmig ledger enable"),
    "ledger show": ("gitmig ledger show --limit 10",),
}
"""How each is used: lines to be pasted."""

MEANT: Mapping[str, str] = {
    "history": "gitmig log",
    "heads": "gitmig log",
    "branches": "gitmig log",
    "list": "gitmig log",
    "current": "gitmig status",
    "st": "gitmig status",
    "downgrade": "gitmig rollback",
    "undo": "gitmig rollback",
    "down": "gitmig rollback",
    "up": "gitmig upgrade",
    "apply": "gitmig upgrade",
    "revision": "gitmig revise",
    "migrate": "gitmig revise",
    "makemigrations": "gitmig revise",
    "autogenerate": "gitmig revise",
    "commit": "gitmig revise",
    "checkout": "gitmig switch",
    "pull": "gitmig sync",
    "doctor": "gitmig status",
    "repair": "gitmig recover",
    "blame": "gitmig why TABLE.COLUMN",
    "test": "gitmig verify",
    "install": "gitmig hook install",
    "hooks": "gitmig hook status",
}
"""What people type who come from Alembic, Flask-Migrate, Django or git: what it is here."""

ALEMBICS: Mapping[str, str] = {
    "stamp": "gitmig never changes what a database says of itself; Alembic does: alembic stamp REV",
    "edit": "a draft is opened by: gitmig revise --edit; any other revision by your editor",
    "ensure_version": "Alembic does that: alembic ensure_version",
    "list_templates": "Alembic does that: alembic list_templates",
}
"""What Alembic does and gitmig leaves to it."""


def overview() -> str:
    """The page of ``gitmig --help``."""
    lines = {name: SUMMARIES.get(name, "") for name in COMMANDS}
    lines |= {name: about for name, (about, _) in GROUPS.items()}
    width = max(map(len, lines))
    commands = "\n".join(f"  {name:<{width}}  {summary}".rstrip() for name, summary in lines.items())
    return (
        f"Usage: gitmig [OPTIONS] COMMAND [ARGS]...\n\n  {ABOUT}\n\n"
        "Options:\n  --version                     Show the version and exit.\n"
        "  --install-completion [SHELL]  Complete words with Tab in bash, zsh or fish.\n"
        "  --show-completion [SHELL]     Show what that would install.\n"
        "  -h, --help                    Show this message and exit.\n\n"
        f"Commands:\n{commands}\n\n"
        "gitmig COMMAND --help says more of one, with examples.\n"
    )

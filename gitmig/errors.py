"""The errors that gitmig reports. Every one has a message, a hint and an exit code.

Nothing here prints. Errors of git, Alembic and SQLAlchemy are translated into these where they were
called; the command line renders them (``Error:``, ``Hint:`` or the JSON error object).
"""

from __future__ import annotations


class GitmigError(Exception):
    """The root: something that a person can act on.

    Attributes:
        message: what happened, in the user's terms, one line.
        hint: the next command or edit, or None if there is nothing useful to say.
        detail: further lines (a traceback cut down to the user's frames), or None.
    """

    code = "error"
    exit_code = 1
    committed = 0
    """How many steps the database has kept all the same: it, or env.py, does not take them back."""
    partial: str | None = None
    """The revision of which the database has kept a part, or may have."""
    unsettled = False
    """Whether nobody knows yet what became of the database, so that recovery has to ask it."""

    def __init__(self, message: str, *, hint: str | None = None, detail: str | None = None):
        """See the class."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail


class UsageError(GitmigError):
    """An argument that cannot be understood."""

    code = "usage"
    exit_code = 2


class SettingsError(GitmigError):
    """A setting that is missing, unknown or wrong."""

    code = "settings"
    exit_code = 2


class NoAlembic(SettingsError):
    """No Alembic configuration was found."""

    code = "no-alembic"


class NoConfiguration(NoAlembic):
    """There is no Alembic configuration at all, as on a branch that is older than it."""


class NoRepository(GitmigError):
    """A command that needs git was started outside a repository, or without git."""

    code = "no-repository"
    exit_code = 2


class NoInterpreter(GitmigError):
    """No Python interpreter that can import the project was found."""

    code = "no-interpreter"
    exit_code = 2


class ProjectCodeError(GitmigError):
    """The project's models or env.py do not import or do not run."""

    code = "project-code"
    exit_code = 2


class WorkTreeRead(ProjectCodeError):
    """The code of a commit, or of what is staged, read the work tree, where something else is."""


class NotInClone(ProjectCodeError):
    """The code needs files whose content is not in this clone."""


class DatabaseUnreachable(GitmigError):
    """The database cannot be connected to."""

    code = "database-unreachable"
    exit_code = 2


class WrongDatabase(GitmigError):
    """env.py connects to another database than the one that was named (GM015)."""

    code = "GM015"
    exit_code = 1


class UnknownRevision(UsageError):
    """A revision that no file has."""

    code = "unknown-revision"


class AmbiguousRevision(UsageError):
    """A prefix that more than one revision has, or a relative target across a merge."""

    code = "ambiguous-revision"


class UnknownRef(UsageError):
    """A git ref or commit that does not exist."""

    code = "unknown-ref"


class Refused(GitmigError):
    """A command that would lose something or make things worse; nothing was changed."""

    code = "refused"


class Unproven(GitmigError):
    """Nothing here could prove a revision: no scratch database, or what was tried there did not run."""

    code = "unproven"
    failed: bool = False
    """Whether it is the revision that does not run."""


class Declined(GitmigError):
    """The person said no; nothing was changed."""

    code = "declined"


class NoDifference(GitmigError):
    """``revise`` found nothing to write."""

    code = "no-difference"


class MigrationFailed(GitmigError):
    """A revision script, or the database, raised while moving."""

    code = "migration-failed"


class Blocked(MigrationFailed):
    """A step waited for another session's lock until ``--ddl-lock-timeout`` was over."""

    code = "blocked"


class LockTimeout(GitmigError):
    """Somebody else holds the lock of the database or of the repository."""

    code = "locked"


class CommitFailed(GitmigError):
    """The database moved, and then git did not commit (a hook refused, say).

    Attributes:
        interrupted: whether Ctrl-C ended git.
    """

    code = "commit-failed"

    def __init__(
        self, message: str, *, hint: str | None = None, detail: str | None = None, interrupted: bool = False
    ):
        super().__init__(message, hint=hint, detail=detail)
        self.interrupted = interrupted


class GitError(GitmigError):
    """git said no to something that gitmig needs."""

    code = "git"


class Interrupted(GitmigError):
    """The person pressed Ctrl-C, or a signal asked for the end."""

    code = "interrupted"
    exit_code = 130


class WorkerCrashed(GitmigError):
    """The worker process ended without an answer. In a step of a migration the exit code is 1."""

    code = "worker-crashed"
    exit_code = 2
    unsettled = True

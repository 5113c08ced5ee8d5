"""The worker's errors, translated into those that a person can act on."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar, cast

from gitmig.core.parked import told_size
from gitmig.errors import (
    Blocked,
    DatabaseUnreachable,
    GitmigError,
    LockTimeout,
    MigrationFailed,
    NoAlembic,
    NoInterpreter,
    ProjectCodeError,
    Refused,
    SettingsError,
    Unproven,
    WorkerCrashed,
    WorkTreeRead,
    WrongDatabase,
)
from gitmig.git.modules import not_laid_out
from gitmig.rpc.protocol import AnnouncedLoss, Json, WorkerOptions, a_text, losses_found

WITHOUT_ENV = 'set metadata = "app.models:Base.metadata" and dialect = "postgresql" in [tool.gitmig]'
"""What does without env.py if only the models are asked."""
_NEW_ENUM_VALUE = "55P04"
# What programs that call Alembic themselves give its configuration.
_CALLER = re.compile("AttributeError: 'Config' object has no attribute|KeyError: ")
_HINTS: Mapping[str, str] = {
    "42501": "let this database user do that, or name another one, then run the command again",
    "25006": "connect to a database that can be written to, then run the command again",
    "57014": "let it take longer (statement_timeout of this database user), then run the command again",
}
"""What to do where PostgreSQL's SQLSTATE says that the revision is not at fault."""
_UNSET = re.compile(r"KeyError: '([A-Z][A-Z0-9_]+)'")
_REQUIRED = re.compile(r"; ([\w.]+): Field required")
"""How pydantic speaks of a setting that nothing gives."""
_DRIVERS: Mapping[str, tuple[str, str]] = {
    "psycopg": ("psycopg", "postgresql+psycopg2"),
    "psycopg2": ("psycopg2-binary", "postgresql+psycopg"),
    "MySQLdb": ("mysqlclient", "mysql+pymysql"),
}
"""What a URL without a driver means to SQLAlchemy: the package that has it, and another driver."""
_DRIVER = re.compile(rf"ModuleNotFoundError: No module named '({'|'.join(_DRIVERS)})'")
_DIALECT = re.compile(r"NoSuchModuleError: Can't load plugin: sqlalchemy\.dialects:([\w.]+)")
# The folder that the code of a tree is laid out in.
_LAID_OUT = re.compile(r'File "[^"]*/(?:gitmig/trees|gitmig-tree-[^/"]+)/[0-9]+/work/')
CORRECT_IT = "correct it, then run the command again"
_NOT_FOUND = ("ModuleNotFoundError", "ImportError", "FileNotFoundError")
_MODULE = re.compile(r"(?:No module named|cannot import name '[^']*' from) '([\w.]+)'")


class UnannouncedLoss(GitmigError):
    """A step lost rows of which nobody knew, and was taken back.

    Attributes:
        losses: those rows.
    """

    code = "GM020"
    losses: tuple[AnnouncedLoss, ...] = ()


def translated(error: Json) -> GitmigError:
    """The error that a worker's ``error`` object stands for."""
    message = a_text(error["message"])
    detail = cast("str | None", error.get("detail"))
    match error["kind"]:
        case "project-code":
            return ProjectCodeError(message, hint=_correction(error), detail=detail)
        case "work-tree":
            return WorkTreeRead(
                message,
                hint="have the code find it beside itself (__file__), or from the current folder",
            )
        case "database":
            hint = "start the database, or correct its URL"
            if error.get("answers"):
                hint = "the database refuses that: see to it there, or in env.py"
            if message.startswith("database is locked"):
                hint = "wait for the process that writes to it, or end it; then run the command again"
            return DatabaseUnreachable(message, hint=hint, detail=detail)
        case "migration" | "blocked":
            return _failed(error, message, detail)
        case "park" | "park-limit":
            return _unparked(error, message)
        case "loss":
            return _unannounced(error, message)
        case "lock":
            hint = "wait for it, or give it longer with --wait SECONDS"
            if error.get("lost"):
                hint = "connect without the proxy, or do without the lock: git config gitmig.lock none"
            return _with_progress(LockTimeout(message, hint=hint, detail=detail), error)
        case "unproven":
            unproven = Unproven(message, detail=detail)
            unproven.failed = bool(error.get("failed"))
            return unproven
    crashed = (WorkerCrashed, "run it again with --debug, and report it")
    kind, what_to_do = _BY_KIND.get(str(error["kind"]), crashed)
    return kind(message, hint=what_to_do, detail=detail)


_BY_KIND: Mapping[str, tuple[type[GitmigError], str | None]] = {
    "wrong-database": (WrongDatabase, "make env.py use the URL it is given"),
    "no-metadata": (SettingsError, WITHOUT_ENV),
    "no-configuration": (NoAlembic, "gitmig init"),
    "application": (
        SettingsError,
        "name the application: export FLASK_APP=package:create_app, then gitmig init keeps it",
    ),
    "version": (NoInterpreter, "upgrade it there, or name another Python: git config gitmig.python PATH"),
    "reading": (LockTimeout, "wait for that session or end it, then run the command again"),
    "alembic": (GitmigError, None),
}
"""The worker's kinds of errors that say all there is to say, with what to do."""


def _correction(error: Json) -> str:
    """What to do about the project's code."""
    missing = error.get("missing")
    if isinstance(missing, list) and missing:
        files = " ".join(shlex.quote(a_text(path)) for path in missing)
        return f"{'they are' if len(missing) > 1 else 'it is'} in the work tree alone: git add {files}"
    unset = _UNSET.fullmatch(a_text(error["message"]))
    if unset is not None:
        return f"set {unset[1]}; or {WITHOUT_ENV}"
    required = _REQUIRED.findall(a_text(error["message"]))
    if required:
        return (
            f"give {', '.join(required)} a value, in the environment or the project's .env; or {WITHOUT_ENV}"
        )
    driver = _DRIVER.fullmatch(a_text(error["message"]))
    if driver is not None:
        package, scheme = _DRIVERS[driver[1]]
        return f"pip install {package}, or have the URL name the driver that is there: {scheme}://…"
    dialect = _DIALECT.fullmatch(a_text(error["message"]))
    if dialect is not None:
        return _without_dialect(dialect[1])
    last = str(error.get("detail") or "").rpartition('File "')[2].partition('"')[0]
    if _CALLER.match(a_text(error["message"])) and last.endswith("env.py"):
        return f"if only your own code can run env.py, {WITHOUT_ENV}"
    return str(error.get("hint") or CORRECT_IT)


def _without_dialect(name: str) -> str:
    """What to do about a URL whose dialect SQLAlchemy does not have."""
    if name == "driver":
        # Alembic's template says driver://user:pass@localhost/dbname.
        models = 'for the models alone, set dialect = "postgresql" in [tool.gitmig]'
        return f"give sqlalchemy.url the database's URL; {models}"
    return f"pip install what has the dialect {name}, or correct the URL"


def explained(error: GitmigError, options: WorkerOptions, *, own: bool) -> GitmigError:
    """What was not found a submodule may have, or, if this is gitmig's ``own`` Python, another one."""
    if not isinstance(error, ProjectCodeError) or not error.message.startswith(_NOT_FOUND):
        return error
    empty = [one for one in not_laid_out(options.top) if _may_lack(error.message, one, options)]
    if empty:
        error.hint = f"git submodule update --init -- {shlex.join(empty)}"
    elif own:
        if error.message.startswith("ModuleNotFoundError") and error.hint == CORRECT_IT:
            error.hint = "install what the project needs in its own .venv, or correct the import"
        said = f"this was gitmig's own Python, {sys.executable}; another one: git config gitmig.python PATH"
        error.detail = "\n".join(filter(None, (error.detail, said)))
    return error


def _may_lack(message: str, submodule: str, options: WorkerOptions) -> bool:
    """Whether what was not found may be in a submodule: by its name, or as the configuration names it."""
    opening = options.opening
    named = (opening.ini, opening.toml) if opening is not None else ()
    for path in filter(None, (*named, "pyproject.toml")):
        with contextlib.suppress(OSError):
            if os.fsencode(submodule) in (options.top / path).read_bytes():
                return True
    roots = ("", opening.folder, *opening.paths) if opening is not None else ("",)
    return is_lacking(message, submodule, roots)


def is_lacking(message: str, folder: str, roots: Sequence[str]) -> bool:
    """Whether an error says that something in a folder was not found, as imports from ``roots`` name it.

    All paths are relative to one top. A package may have the folder's own name: an editable install has it.
    """
    if folder in message:
        return True
    name = _MODULE.search(message)
    if name is None:
        return False
    wanted = name[1].split(".")
    for root in roots:
        if root and (root == folder or root.startswith(f"{folder}/")):
            return True
        inside = folder.removeprefix(f"{root}/" if root else "").split("/")
        if (not root or folder.startswith(f"{root}/")) and all(
            one == other for one, other in zip(inside, wanted, strict=False)
        ):
            return True
    return folder.rpartition("/")[2].replace("-", "_") == wanted[0]


def _failed(error: Json, message: str, detail: str | None) -> MigrationFailed:
    kind, hint = MigrationFailed, "correct the revision, then run the command again"
    if error["kind"] == "blocked":
        kind, hint = Blocked, "wait for that session or end it, or wait longer: --ddl-lock-timeout SECONDS"
    elif error.get("sqlstate") == _NEW_ENUM_VALUE and error.get("previous"):
        hint = f"commit the value first: gitmig upgrade {error['previous']}, then run the command again"
    elif error.get("sqlstate") == _NEW_ENUM_VALUE:
        hint = "commit the value first: add it in op.get_context().autocommit_block()"
    elif error.get("hint"):
        hint = a_text(error["hint"])
    elif error.get("sqlstate") in _HINTS:
        hint = _HINTS[a_text(error["sqlstate"])]
    return _with_progress(kind(message, hint=hint, detail=detail), error)


_Error = TypeVar("_Error", bound=GitmigError)


def _with_progress(failed: _Error, error: Json) -> _Error:
    """The error, with what the database has kept all the same."""
    failed.committed = int(cast("int | None", error.get("committed")) or 0)
    failed.partial = cast("str | None", error.get("partial"))
    failed.unsettled = bool(error.get("unsettled"))
    return failed


def _unparked(error: Json, message: str) -> GitmigError:
    hint = str(error.get("hint") or "to lose the rows, give --no-park")
    if error["kind"] == "park-limit":
        size, limit = (int(str(error[key])) for key in ("size", "limit"))
        more = -(-size // (1 << 20))
        message = (
            f"{error['name']} holds {told_size(size)}, more than the {told_size(limit)} of gitmig.parkLimit: "
            "its rows are not parked, and not dropped (--no-park loses them)"
        )
        hint = f"git config gitmig.parkLimit {more}M"
    if not error.get("committed"):
        return Refused(message, hint=hint)
    return _with_progress(MigrationFailed(message, hint=hint), error)


def _unannounced(error: Json, message: str) -> UnannouncedLoss:
    found = UnannouncedLoss(f"GM020: {message}", hint="run the command again")
    found.losses = losses_found(error["losses"])
    found.committed = int(str(error.get("committed") or 0))
    return found


def frames_of(stack: Sequence[str]) -> str | None:
    """The user's frames of a stack that faulthandler wrote, innermost last."""
    lines = (_LAID_OUT.sub('File "', line) for line in stack)
    frames = [line.strip() for line in lines if line.lstrip().startswith("File ")]
    others = (
        f'File "{Path(__file__).parent.parent}',
        'File "<',
        "site-packages",
        sys.prefix,
        sys.base_prefix,
    )
    return "\n".join(line for line in reversed(frames) if not any(other in line for other in others)) or None


def _end_of(code: int, has_spoken: bool) -> tuple[str, str]:
    """How a worker ended, and what to do about it. One that never said a word is no interpreter for us."""
    number = -code if code < 0 else code - 128  # a shell or a container tells a signal like that
    if number in set(signal.Signals):
        name = signal.Signals(number).name
        memory = ", as the system does if memory runs out" if number == signal.SIGKILL else ""
        return f"the project's interpreter was killed ({name}{memory})", "run the command again"
    message = f"the project's interpreter ended with exit code {code}"
    if has_spoken:
        return message, "look for what ends it (os._exit, say) in env.py, the models or the revision"
    return message, "git config gitmig.python PATH_OF_PYTHON"


def _kept(message: Json) -> tuple[int, str | None]:
    """What the database has kept of a run that was called off: how many steps, and of which step a part."""
    answer = message.get("ok") or message.get("error")
    if not isinstance(answer, dict):
        return 0, None
    steps, partial = answer.get("steps") or answer.get("committed"), answer.get("partial")
    if not isinstance(steps, int) or isinstance(steps, bool):
        steps = 0
    return steps, partial if isinstance(partial, str) else None

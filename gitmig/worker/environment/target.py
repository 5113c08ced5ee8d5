"""What the project migrates towards: its metadata, dialect and filters, out of env.py or the settings.

env.py runs without a database: its ``configure()`` is recorded, and no migration follows from it.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import io
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from alembic.runtime.environment import EnvironmentContext
from sqlalchemy import MetaData
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from ..channel import Failure
from ..importing.no_database import Asked, without_database
from ..importing.tracebacks import project_code
from .config import alembic_config, script_directory

if TYPE_CHECKING:
    from ..session import Session


@dataclass
class Configured:
    """One call of ``configure()``, or what stands for it in the settings."""

    metadata: tuple[MetaData, ...]
    dialect: Dialect
    options: Mapping[str, Any]
    """Every other argument, by name; those that env.py left out are absent."""
    engine: str = ""
    """What env.py calls this database, if it has several (``engine_name`` of the multidb template)."""


@dataclass(frozen=True)
class Captured:
    """The targets, at least one; those after the first are other databases of a multidb env.py."""

    targets: tuple[Configured, ...]
    source: str
    """``env.py`` or ``settings``."""


def capture(session: Session) -> Captured:
    """The project's targets. Runs its code; raises Failure "project-code", "no-metadata", "no-configuration".

    env.py runs offline; where that fails or names no metadata, or says less of what takes part than it may
    for a connection, once more as for one.
    """
    if session.options.metadata:
        return Captured((_from_settings(session, session.options.metadata),), "settings")
    script_directory(session)
    failure: Failure | None = None
    for offline in (True, False):
        try:
            targets = _distinct(_run_env(session, offline=offline))
        except Failure as error:
            failure = failure or error
            continue
        if targets:
            more = _said_online(session, targets) if offline else {}
            targets = tuple(replace(each, options={**each.options, **more}) for each in targets)
            return Captured(targets, "env.py")
    raise failure or Failure(
        "no-metadata", "env.py gives configure() no target_metadata, or needs a database to call it"
    )


_TAKING_PART = ("include_object", "include_name", "include_schemas", "compare_type", "compare_server_default")


def _said_online(session: Session, targets: Sequence[Configured]) -> dict[str, Any]:
    """What env.py says of these for a connection alone, as Alembic's own template makes people do."""
    with open(_env_file(session), encoding="utf-8", errors="replace") as file:
        text = file.read()
    wanted = [name for name in _TAKING_PART if name in text and name not in targets[0].options]
    if not wanted:
        return {}
    try:
        calls = _run_env(session, offline=False)
    except Failure:
        return {}
    return {name: calls[0].options[name] for name in wanted if calls and name in calls[0].options}


def configured(session: Session) -> tuple[Configured, ...]:
    """The targets as for a connection: what env.py says of autogenerate it often says there alone.

    No database is asked. Raises as :func:`capture` does.
    """
    settings = _from_settings(session, session.options.metadata) if session.options.metadata else None
    for offline in (False, True):
        try:
            calls = _run_env(session, offline=offline)
        except Failure:
            continue
        if settings is not None and calls:
            return (Configured(settings.metadata, settings.dialect, calls[0].options),)
        if targets := _distinct(calls):
            return targets
    return (settings,) if settings is not None else capture(session).targets


def _run_env(session: Session, *, offline: bool) -> list[Configured]:
    recorder = _Recorder(session, offline=offline)
    with without_database(session.places) as asked:
        try:
            with recorder.context, project_code(session):
                run_env_file(session)
        except Failure as failure:
            _require_no_reflection(session, asked)
            if failure.message.startswith("SystemExit") and any(call.metadata for call in recorder.calls):
                return recorder.calls
            if asked.connections:
                failure.data["connected"] = True
            raise
    _require_no_reflection(session, asked)
    session.importing.verify()
    return recorder.calls


def _require_no_reflection(session: Session, asked: Asked) -> None:
    """Raise Failure if the models are what some database happens to hold."""
    path, line = asked.reflected or ("", 0)
    env = os.path.join(script_directory(session).dir, "env.py") if path else ""
    if path and path != session.places.relative(os.path.abspath(env)):
        message = f"{path} reads tables out of a database when it is imported (line {line})"
        hint = "read them when the application starts (DeferredReflection), or write them out in the models"
        raise Failure("project-code", f"{message}: what the models are cannot be said", hint=hint)


def run_env_file(session: Session) -> None:
    """Run env.py; a file that it opens for writing itself (multidb's ``engine1.sql``) is not touched."""
    path = _env_file(session)
    if not os.path.isfile(path):
        raise Failure("no-configuration", f"{session.places.relative(path) or path} is not there")
    spec = importlib.util.spec_from_file_location("env_py", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    vars(module)["open"] = _open_nothing_for_writing
    spec.loader.exec_module(module)


def _env_file(session: Session) -> str:
    return os.path.join(os.path.abspath(script_directory(session).dir), "env.py")


def _open_nothing_for_writing(file: Any, mode: str = "r", *args: Any, **kw: Any) -> Any:
    writes = not isinstance(file, int) and re.search("[wxa+]", mode) is not None
    if writes:
        return builtins.open(os.devnull, mode.replace("x", "w"), *args, **kw)
    return builtins.open(file, mode, *args, **kw)


class _Recorder:
    """An EnvironmentContext whose ``configure`` is recorded and whose ``run_migrations`` does nothing."""

    def __init__(self, session: Session, *, offline: bool):
        self.calls: list[Configured] = []
        self._dialect = session.options.dialect
        context: Any = EnvironmentContext(
            alembic_config(session),
            script_directory(session),
            fn=lambda heads, migration_context: [],
            as_sql=offline,
            starting_rev=None,
            destination_rev="head",
            tag=None,
            output_buffer=io.StringIO(),
        )
        self._configure = context.configure
        # On the instance: a subclass would not be seen by the functions of `alembic.context`.
        context.configure = self.configure
        context.run_migrations = self.run_migrations
        context.begin_transaction = nullcontext
        context.execute = context.static_output = lambda *args, **kw: None
        self.context = context

    def configure(self, *args: Any, **kw: Any) -> None:
        bound = inspect.signature(self._configure).bind(*args, **kw)
        options = {**bound.arguments, **bound.arguments.get("kw", {})}
        options.pop("kw", None)
        options.pop("output_buffer", None)
        if self._dialect and not options.get("dialect_name") and _dialect_of(options.get("url")) is None:
            options.pop("url", None)
            options["dialect_name"] = self._dialect
        self._configure(**options)
        dialect = self.context.get_context().dialect
        self.calls.append(Configured(_metadata(options.pop("target_metadata", None)), dialect, options))

    def run_migrations(self, **kw: Any) -> None:
        if self.calls:
            self.calls[-1].engine = str(kw.get("engine_name", ""))


def _dialect_of(url: Any) -> type[Dialect] | None:
    """What a URL names; None for a dialect that is not there, as in Alembic's own template: ``driver://…``."""
    try:
        return make_url(url).get_dialect()
    except (NoSuchModuleError, ArgumentError):
        return None


def _metadata(target: Any) -> tuple[MetaData, ...]:
    if target is None:
        return ()
    return (target,) if isinstance(target, MetaData) else tuple(target)


def _distinct(calls: list[Configured]) -> tuple[Configured, ...]:
    """The calls with metadata; a schema per tenant configures the same metadata again and again."""
    seen: set[frozenset[int]] = set()
    targets = []
    for call in calls:
        key = frozenset(map(id, call.metadata))
        if key and key not in seen:
            seen.add(key)
            targets.append(call)
    return tuple(targets)


def _from_settings(session: Session, name: str) -> Configured:
    if session.options.configured:
        script_directory(session)  # for prepend_sys_path
    dialect = _named_dialect(session)
    module_name, _, attributes = name.partition(":")
    with without_database(session.places), project_code(session):
        target: Any = importlib.import_module(module_name)
        for attribute in filter(None, attributes.split(".")):
            target = getattr(target, attribute)
        if not isinstance(target, (MetaData, list, tuple)):
            target = getattr(target, "metadata", target)
    session.importing.verify()
    metadata = tuple(target) if isinstance(target, (list, tuple)) else (target,)
    if not metadata or not all(isinstance(item, MetaData) for item in metadata):
        raise Failure("no-metadata", f"{name} is no MetaData")
    return Configured(metadata, dialect, {})


def _named_dialect(session: Session) -> Dialect:
    options = session.options
    url = f"{options.dialect}://" if options.dialect else None
    if url is None and options.configured:
        url = alembic_config(session).get_section(options.section, {}).get("sqlalchemy.url")
    if not url:
        raise Failure("no-metadata", "the setting `metadata` needs `dialect` beside it")
    dialect = _dialect_of(url)
    if dialect is None:
        raise Failure("no-configuration", f"no such dialect: {options.dialect or url}")
    return dialect()

"""Making an Alembic environment where there is none."""

from __future__ import annotations

import os
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from ..channel import Failure

_URL = "sqlite:///app.db"

_FROM_INI = 'URL = os.environ.get("DATABASE_URL") or config.get_main_option("sqlalchemy.url") or ""\n'
_ENV = '''\
"""Runs the migrations: `gitmig`, or Alembic itself."""

{standard}
from alembic import context
{sqlalchemy}
# Importing the models is what fills the metadata.
{imports}

config = context.config
if config.config_file_name is not None:
    fileConfig(config.config_file_name)

target_metadata = {metadata}
{url}

def run_migrations_offline() -> None:
    """Write the statements instead of running them (`alembic upgrade --sql`)."""
    context.configure(
        url={offline},
        target_metadata=target_metadata,
        literal_binds=True,
        dialect_opts={{"paramstyle": "named"}},
    )
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online() -> None:
    """Run the migrations in the database."""
    with {online}.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=target_metadata,
            # SQLite cannot alter most of a table in place.
            render_as_batch=connection.dialect.name == "sqlite",
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
'''


def initialise(request: dict[str, Any]) -> dict[str, Any]:
    """Make alembic.ini and alembic/ in a folder; the project's code is not run.

    ``base`` is ``module:name`` of the declarative base, ``modules`` are those that define tables, ``engine``
    is ``module:name`` of the project's own or None, ``roots`` are the folders to import from. Raises
    Failure("alembic") where a folder of that name is there.
    """
    # Names relative to the folder, so that the checkout may lie anywhere: alembic.ini says what it is given.
    os.chdir(request["directory"])
    try:
        command.init(Config("alembic.ini"), "alembic", template="generic")
    except CommandError as error:
        raise Failure("alembic", str(error)) from error
    _edit("alembic.ini", request["roots"], request["engine"])
    _write("alembic/env.py", _environment(request["base"], request["modules"], request["engine"]))
    return {}


def _edit(ini: str, roots: list[str], engine: str | None) -> None:
    with open(ini, encoding="utf-8") as handle:
        text = handle.read()
    lines = []
    for line in text.splitlines():
        name = line.partition("=")[0].strip()
        if name == "prepend_sys_path":
            line = f"prepend_sys_path = {os.pathsep.join(roots)}"
        elif name == "sqlalchemy.url":
            line = f"# the database is named by {_module(engine)}" if engine else f"sqlalchemy.url = {_URL}"
        lines.append(line)
    _write(ini, "\n".join(lines) + "\n")


def _environment(base: str, modules: list[str], engine: str | None) -> str:
    names: dict[str, list[str]] = {}
    for place in (base, *([engine] if engine else [])):
        names.setdefault(_module(place), []).append(place.partition(":")[2])
    imports = [f"import {module}  # noqa: F401" for module in sorted(set(modules) - set(names))]
    imports += [f"from {module} import {', '.join(sorted(found))}" for module, found in sorted(names.items())]
    own = engine.partition(":")[2] if engine else None
    return _ENV.format(
        standard=("" if own else "import os\n") + "from logging.config import fileConfig\n",
        sqlalchemy="" if own else "from sqlalchemy import create_engine, pool\n",
        imports="\n".join(imports),
        metadata=f"{base.partition(':')[2]}.metadata",
        url="" if own else _FROM_INI,
        offline=f"{own}.url" if own else "URL",
        online=own or "create_engine(URL, poolclass=pool.NullPool)",
    )


def _module(place: str | None) -> str:
    return (place or "").partition(":")[0]


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", newline="\n") as handle:
        handle.write(text)

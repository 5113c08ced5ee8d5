"""An Alembic environment for a repository that has none, wired to the models that are there."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from gitmig.errors import SettingsError
from gitmig.git.repository import Repository
from gitmig.git.trees import WorkTree
from gitmig.interpreter import find_interpreter
from gitmig.project import ProjectOptions
from gitmig.worker_client import Worker, WorkerOptions


def scaffold(options: ProjectOptions, repository: Repository, *, dry_run: bool) -> list[str]:
    """Make alembic.ini and alembic/ in the folder; returns the paths that were made, relative to the top.

    ``target_metadata`` is the one metadata that the code in the folder defines, found by reading it,
    never by importing it. Raises SettingsError where there is none, or more than one.
    """
    directory = options.directory.resolve()
    metadata = _metadata(repository, directory)
    if dry_run:
        return ["alembic.ini", "alembic/"]
    interpreter = find_interpreter(
        configured=repository.config("gitmig.python"),
        environment=os.environ,
        tops=[directory, repository.top],
        own_ok=bool(sys.executable),
    )
    before = set(directory.rglob("*")) if directory != repository.top else set(directory.glob("*"))
    with Worker.start(interpreter, WorkerOptions(top=repository.top, directory=directory)) as worker:
        worker.initialise(directory=str(directory), template="generic", metadata=metadata, url=None)
    made = [path for path in (directory / "alembic.ini", directory / "alembic") if path not in before]
    files = [
        file
        for path in made
        for file in ([path] if path.is_file() else sorted(path.rglob("*")))
        if file.is_file()
    ]
    return [file.relative_to(repository.top).as_posix() for file in files]


def _metadata(repository: Repository, directory: Path) -> str:
    """``module:attribute`` of the one metadata, by a module that imports the tables where there is one."""
    prefix = directory.relative_to(repository.top).as_posix()
    prefix = "" if prefix == "." else prefix + "/"
    tree = WorkTree(repository)
    bases: dict[str, str] = {}
    users: dict[str, set[str]] = {}
    for path, text in _sources(tree, prefix):
        module = _module(path.removeprefix(prefix))
        for name in _bases(text):
            bases[f"{module}:{name}"] = path
        for name in _table_bases(text):
            users.setdefault(name, set()).add(module)
    if len(bases) != 1:
        found = ", ".join(sorted(bases)) or "none"
        raise SettingsError(
            f"no Alembic configuration, and no single declarative base to make one for (found: {found})",
            hint="alembic init alembic, set target_metadata in alembic/env.py, then: gitmig init",
        )
    base = next(iter(bases)).partition(":")[2]
    modules = sorted(users.get(base, set()) - {next(iter(bases)).partition(":")[0]})
    # The models module imports the base, so that importing it defines the tables as well.
    module = modules[0] if len(modules) == 1 else next(iter(bases)).partition(":")[0]
    return f"{module}:{base}.metadata"


def _sources(tree: WorkTree, prefix: str) -> Iterator[tuple[str, ast.Module]]:
    paths = [
        path
        for path in tree.ids(prefix.rstrip("/"))
        if path.endswith(".py") and "test" not in path.split("/")[-1]
    ]
    for path, data in tree.read_all(paths).items():
        try:
            yield path, ast.parse(data)
        except (SyntaxError, ValueError, RecursionError):
            continue


def _module(path: str) -> str:
    parts = path.removesuffix(".py").removeprefix("src/").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _bases(module: ast.Module) -> Iterator[str]:
    """Names of declarative bases: ``class Base(DeclarativeBase)`` and ``Base = declarative_base()``."""
    for node in module.body:
        if isinstance(node, ast.ClassDef) and any(
            _last(base) in ("DeclarativeBase", "MappedAsDataclass") for base in node.bases
        ):
            if any(_last(base) == "DeclarativeBase" for base in node.bases):
                yield node.name
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and _last(node.value.func) == "declarative_base"
        ):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _table_bases(module: ast.Module) -> Iterator[str]:
    """The bases of classes with a ``__tablename__``."""
    for node in module.body:
        if isinstance(node, ast.ClassDef) and any(_assigns(item, "__tablename__") for item in node.body):
            yield from (_last(base) for base in node.bases)


def _assigns(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""

"""An Alembic environment for a repository that has none, wired to the models that are there."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gitmig.errors import SettingsError
from gitmig.git.flat_trees import WorkTree
from gitmig.git.repository import Repository
from gitmig.project.project import ProjectOptions
from gitmig.rpc.client import Worker
from gitmig.rpc.interpreter import find_interpreter
from gitmig.rpc.protocol import WorkerOptions


def scaffold(options: ProjectOptions, repository: Repository, *, dry_run: bool) -> list[str]:
    """Make alembic.ini and alembic/ in the folder; returns the paths that were made, relative to the top.

    In a part of a project, they go to the project's own folder: the code is imported from there.

    ``target_metadata`` is that of the one declarative base that the code in the folder defines, found by
    reading it, never by importing it; the database is that of its one engine. Raises SettingsError where
    there is no base, or more than one, and where a folder alembic/ is there already.
    """
    directory = _root(options.directory.resolve(), repository.top)
    if (directory / "alembic").exists():
        raise SettingsError(
            f"{directory / 'alembic'} is there, and no alembic.ini that names it",
            hint="bring alembic.ini back, or name it with --config",
        )
    found = _found(repository, directory)
    if dry_run:
        folder = directory.relative_to(repository.top)
        return [(folder / "alembic.ini").as_posix(), f"{(folder / 'alembic').as_posix()}/"]
    interpreter = find_interpreter(
        configured=repository.config("gitmig.python"),
        environment=os.environ,
        tops=[directory, repository.top],
        own_ok=bool(sys.executable),
    )
    with Worker.start(interpreter, WorkerOptions(top=repository.top, directory=directory)) as worker:
        worker.initialise(
            directory=str(directory),
            base=found.base,
            modules=list(found.modules),
            engine=found.engine,
            roots=list(found.roots),
        )
    folder = directory / "alembic"
    made = [directory / "alembic.ini", *sorted(path for path in folder.rglob("*") if path.is_file())]
    return [path.relative_to(repository.top).as_posix() for path in made]


_PROJECTS = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile")
"""What lies in the folder of a project of its own."""


def _root(directory: Path, top: Path) -> Path:
    """The nearest folder of a project above, or that which the package around is imported from."""
    root = directory
    while root != top and (root / "__init__.py").is_file():
        root = root.parent
    above = (one for one in (root, *root.parents) if one.is_relative_to(top))
    return next((one for one in above if any((one / name).is_file() for name in _PROJECTS)), root)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the code in a folder defines; names are ``module:name``."""

    base: str
    modules: tuple[str, ...]
    engine: str | None
    roots: tuple[str, ...]


def _found(repository: Repository, directory: Path) -> _Found:
    prefix = directory.relative_to(repository.top).as_posix()
    prefix = "" if prefix == "." else prefix + "/"
    bases, engines, modules, roots = [], [], [], {".": None}
    for path, source in _sources(WorkTree(repository), prefix):
        module = _module(path.removeprefix(prefix))
        here = [f"{module}:{name}" for name in _bases(source)]
        bases += here
        engines += [f"{module}:{name}" for name in _called(source, "create_engine")]
        if _defines_tables(source):
            modules.append(module)
        if path.removeprefix(prefix).startswith("src/") and (here or _defines_tables(source)):
            roots["src"] = None
    if len(bases) != 1:
        listed = ", ".join(sorted(bases)) or "none"
        raise SettingsError(
            f"no Alembic configuration, and no single declarative base to make one for (found: {listed})",
            hint="alembic init alembic, set target_metadata in alembic/env.py, then: gitmig init",
        )
    return _Found(
        base=bases[0],
        modules=tuple(sorted(modules)),
        engine=engines[0] if len(engines) == 1 else None,
        roots=tuple(roots),
    )


def _sources(tree: WorkTree, prefix: str) -> Iterator[tuple[str, ast.Module]]:
    paths = [path for path in tree.ids(prefix.rstrip("/")) if path.endswith(".py") and not _is_test(path)]
    for path, data in sorted(tree.read_all(paths).items()):
        try:
            yield path, ast.parse(data)
        except (SyntaxError, ValueError, RecursionError):
            continue


def _is_test(path: str) -> bool:
    *folders, name = path.split("/")
    return name.startswith("test_") or name == "conftest.py" or bool({"test", "tests"} & set(folders))


def _module(path: str) -> str:
    parts = path.removesuffix(".py").removeprefix("src/").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _bases(module: ast.Module) -> Iterator[str]:
    """Names of declarative bases: ``class Base(DeclarativeBase)`` and ``Base = declarative_base()``."""
    for node in module.body:
        if isinstance(node, ast.ClassDef) and any(_last(base) in _ROOTS for base in node.bases):
            yield node.name
    yield from _called(module, "declarative_base")


_ROOTS = ("DeclarativeBase", "DeclarativeBaseNoMeta")


def _called(module: ast.Module, function: str) -> Iterator[str]:
    """Names of a module that are what a function of this name returned."""
    for node in module.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.Call) and _last(value.func) == function:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[attr-defined]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _defines_tables(module: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ClassDef) and any(_assigns(item, "__tablename__") for item in node.body)
        for node in module.body
    )


def _assigns(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""

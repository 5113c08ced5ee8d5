"""Models paths: what lies below them, and where their files lay before. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Generations = tuple[tuple[str, ...], ...]
"""A models path by itself; then, newest first, the paths where its files lay before."""


def below(path: str, root: str) -> bool:
    """Whether a path is ``root``, or lies in it."""
    return not root or path == root or path.startswith(root + "/")


def other_form(path: str) -> str:
    """The other shape of a module: ``models.py`` for the package ``models``, and the reverse."""
    return path.removesuffix(".py") if path.endswith(".py") else f"{path}.py"


def with_other_forms(models: Iterable[str]) -> tuple[Generations, ...]:
    """Models paths, each with its module's other shape: a module may become a package."""
    return tuple(((path,), (other_form(path),)) if path else ((path,),) for path in models)


def present(models: Iterable[Generations], exists: Callable[[str], bool]) -> tuple[str, ...]:
    """Of each models path the first generation of which something is there; itself if none is."""
    chosen = (next((paths for paths in each if any(map(exists, paths))), each[0]) for each in models)
    return tuple(dict.fromkeys(path for paths in chosen for path in paths))

"""GM008: models paths that the settings of a tree name, and that the tree does not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gitmig.core.codes import Finding, Severity
from gitmig.core.environments import models_in
from gitmig.core.findings import missing_models
from gitmig.core.paths import other_form
from gitmig.core.settings import parse_settings
from gitmig.errors import SettingsError
from gitmig.git.patterns import is_pattern
from gitmig.git.trees import Tree
from gitmig.project.project import Project


def missing_paths(project: Project, tree: Tree, parents: Sequence[Tree] | None = None) -> Iterator[Finding]:
    """A finding for each path that the tree's settings configure and that the tree lacks.

    With ``parents`` it is a warning if one of them lacks it too: then this commit did not take it away.
    """
    file = project.environment.settings_file
    text = (tree.read(file) or b"").decode("utf-8", "replace")
    for name, path in _configured(project, file, text):
        if is_pattern(path) or _has(tree, path):
            continue
        finding = missing_models(path, file, _line(text, name))
        before = parents is not None and (not parents or any(not _has(parent, path) for parent in parents))
        yield replace(finding, severity=Severity.WARNING, earlier=True) if before else finding


def _configured(project: Project, file: str, text: str) -> list[tuple[str, str]]:
    """The models paths as they are written in the tree's settings, and relative to the top."""
    try:
        settings = parse_settings(text, file)
    except SettingsError:
        return []  # which is reported by whoever needs them
    names = settings.named(project.name).models
    return list(zip(names, models_in(file, names), strict=True))


def _has(tree: Tree, path: str) -> bool:
    return tree.exists(path) or tree.exists(other_form(path))


def _line(text: str, name: str) -> int | None:
    quoted = (f'"{name}', f"'{name}")
    lines = enumerate(text.splitlines(), 1)
    return next((number for number, line in lines if any(one in line for one in quoted)), None)

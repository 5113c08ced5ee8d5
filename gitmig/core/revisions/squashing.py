"""One revision out of many: their bodies one after the other, in one script. Pure: texts in, text out."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitmig.core.parsing import parse_module
from gitmig.core.revisions.effects import moves_data
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import docstring_node
from gitmig.core.revisions.scripts import Script
from gitmig.errors import Refused
from gitmig.wire.values import RevisionId

_IDENTIFIERS = frozenset({"revision", "down_revision", "depends_on", "branch_labels"})
SUFFIX = ".squashed.json"
"""The end of the name of the file that keeps the old scripts: Alembic reads none but ``.py``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the revisions that become one."""

    script: Script
    text: str


def chain(graph: Graph, start: RevisionId | None, end: RevisionId) -> tuple[RevisionId, ...]:
    """The revisions after ``start`` (None: from the first on) up to ``end``, oldest first.

    Raises Refused if they are no chain, or if another revision follows or needs one in the middle of them.
    """
    found: list[RevisionId] = []
    revision: RevisionId | None = end
    while revision is not None and revision != start:
        found.append(revision)
        parents = graph.line_parents[revision]
        if len(parents) > 1:
            raise Refused(f"{revision} is a merge: what is squashed must be one line", hint="gitmig log")
        revision = parents[0] if parents else None
    if revision != start:
        raise Refused(f"{end} does not follow {start}", hint="gitmig log")
    line = tuple(reversed(found))
    for one in line[:-1]:
        others = [child for child in graph.children(one) if child not in line]
        if others:
            raise Refused(f"{others[0]} follows or needs {one}, which would be gone", hint="gitmig log")
    if len(line) < 2:
        raise Refused(
            f"there is one revision from {start or 'base'} to {end}: nothing to squash", hint="gitmig log"
        )
    return line


def segments(parts: Sequence[Part]) -> list[tuple[Part, ...]]:
    """The parts in their order: those in a row that change the schema alone together, any other alone."""
    found: list[tuple[Part, ...]] = []
    for part in parts:
        data = moves_data(part.text)
        if found and not data and not moves_data(found[-1][-1].text):
            found[-1] = (*found[-1], part)
        else:
            found.append((part,))
    return found


def squashed_by(old: Sequence[Script]) -> tuple[RevisionId, ...]:
    """Every revision that a squash of these stands for, those of an earlier squash among them."""
    return tuple(each for script in old for each in (script.squashes or (script.revision,)))


def with_squashes(text: str, revisions: Sequence[RevisionId]) -> str:
    """A script with the line that names what it squashes."""
    return re.sub(
        r"(?m)^([ \t]*)Revises:[^\r\n]*",
        lambda found: f"{found[0]}\n{found[1]}Squashes: {' '.join(revisions)}",
        text,
        count=1,
    )


def composed(parts: Sequence[Part], old: Sequence[Script], message: str, created: str) -> str:
    """The script that does what the parts do, oldest first, in place of the ``old`` ones.

    It has the id of the last of those, and the labels and dependencies of all. Raises Refused for a part that
    cannot be moved into a function.
    """
    parents, last = old[0].down_revisions, old[-1]
    inside = {script.revision for script in old}
    needs = dict.fromkeys(n for script in old for n in script.depends_on if n not in inside)
    labels = dict.fromkeys(label for script in old for label in script.branch_labels)
    ups = [_function(part, "upgrade") for part in parts]
    downs = [_function(part, "downgrade") for part in reversed(parts)]
    return "\n".join(
        [
            f'"""{message}',
            "",
            f"Revision ID: {last.revision}",
            f"Revises: {', '.join(parents)}",
            f"Create Date: {created}",
            f"Squashes: {' '.join(squashed_by(old))}",
            "",
            '"""',
            "",
            f"revision = {last.revision!r}",
            f"down_revision = {_literal(parents)}",
            f"branch_labels = {_literal(tuple(labels))}",
            f"depends_on = {_literal(tuple(needs))}",
            "",
            "",
            _whole("upgrade", ups),
            "",
            "",
            _whole("downgrade", downs),
            "",
        ]
    )


def _literal(values: Sequence[str]) -> str:
    if not values:
        return "None"
    return repr(values[0]) if len(values) == 1 else repr(tuple(values))


def _function(part: Part, name: str) -> ast.FunctionDef:
    """A function that does what ``upgrade`` or ``downgrade`` of a script does, wherever it stands."""
    module = parse_module(part.text)
    own = [n for n in module.body if isinstance(n, ast.FunctionDef) and n.name in ("upgrade", "downgrade")]
    found = next((node for node in reversed(own) if node.name == name), None)
    beside = [node for node in module.body if node not in own and not _is_about_itself(node, module)]
    for node in beside:
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            raise Refused(
                f"{part.script.path} imports *, which cannot be moved into a function",
                hint=f"name what {part.script.path} imports",
            )
    made = ast.parse(f"def {_named(part.script, name)}() -> None:\n    pass").body[0]
    assert isinstance(made, ast.FunctionDef)
    words = f"{part.script.message} ({part.script.revision})".strip()
    body: list[ast.stmt] = [ast.Expr(value=ast.Constant(value=words))]
    if found is None:
        reason = f"{part.script.revision} has no {name}()"
        body += ast.parse(f"raise NotImplementedError({reason!r})").body
    else:
        body += [copy.deepcopy(node) for node in (*beside, *found.body)]
    made.body = body
    return made


def _is_about_itself(node: ast.stmt, module: ast.Module) -> bool:
    """The docstring, the identifiers and the imports from ``__future__``."""
    match node:
        case ast.Expr(value=value) if value is docstring_node(module):
            return True
        case ast.ImportFrom(module="__future__"):
            return True
        case ast.Assign(targets=targets):
            names = {inner.id for each in targets for inner in ast.walk(each) if isinstance(inner, ast.Name)}
            return bool(names) and names <= _IDENTIFIERS
        case ast.AnnAssign(target=ast.Name(id=name)):
            return name in _IDENTIFIERS
    return False


def _named(script: Script, name: str) -> str:
    return f"{name}_{re.sub(r'[^0-9A-Za-z]', '_', script.revision)}"


def _whole(name: str, parts: Sequence[ast.FunctionDef]) -> str:
    whole = ast.parse(f"def {name}() -> None:\n    pass").body[0]
    assert isinstance(whole, ast.FunctionDef)
    body: list[ast.stmt] = []
    for part in parts:
        body += [part, *ast.parse(f"{part.name}()").body]
    whole.body = body
    return ast.unparse(ast.fix_missing_locations(whole))


def kept(parts: Sequence[Part], older: Mapping[RevisionId, Mapping[str, str]]) -> bytes:
    """The file that keeps the old scripts, with those that a squash among the parts kept before."""
    scripts = {part.script.revision: {"path": part.script.path, "text": part.text} for part in parts}
    for part in parts:
        if part.script.squashes:
            scripts.pop(part.script.revision)
    return (
        json.dumps({"version": 1, "scripts": {**older, **scripts}}, indent=1, sort_keys=True).encode() + b"\n"
    )


def old_scripts(data: bytes) -> dict[RevisionId, dict[str, str]]:
    """What :func:`kept` wrote: path and text of each old script. Raises ValueError for anything else."""
    match json.loads(data):
        case {"version": 1, "scripts": dict() as scripts}:
            return {
                RevisionId(str(revision)): {"path": str(one["path"]), "text": str(one["text"])}
                for revision, one in scripts.items()
            }
    raise ValueError("these are no old scripts")


def kept_path(path: str) -> str:
    """Where the old scripts of the squash at ``path`` are kept."""
    return path.removesuffix(".py") + SUFFIX

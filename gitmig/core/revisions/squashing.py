"""One revision out of many: their bodies one after the other, in one script. Pure: texts in, text out."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitmig.core.parsing import parse_module
from gitmig.core.revisions.effects import moves_data
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import docstring_node
from gitmig.core.revisions.moved import SHARED, function_of, shared_imports
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
    modules = [_code(part) for part in parts]
    shared = {line for code in modules for line in code.shared}
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
            *(line for line in SHARED if line in shared),
            *([""] if shared else []),
            f"revision = {last.revision!r}",
            f"down_revision = {_literal(parents)}",
            f"branch_labels = {_literal(tuple(labels))}",
            f"depends_on = {_literal(tuple(needs))}",
            "",
            "",
            _whole("upgrade", modules),
            "",
            "",
            _whole("downgrade", modules[::-1]),
            "",
        ]
    )


def _literal(values: Sequence[str]) -> str:
    if not values:
        return "None"
    return repr(values[0]) if len(values) == 1 else repr(tuple(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    """What of a script is moved into a function."""

    part: Part
    functions: Mapping[str, ast.FunctionDef]
    """``upgrade`` and ``downgrade``, those that it has."""
    beside: tuple[ast.stmt, ...]
    """What else its module holds, but for what is about the script itself, and for ``shared``."""
    shared: tuple[str, ...]
    """Its imports that stand above all functions."""


def _code(part: Part) -> _Code:
    module = parse_module(part.text)
    own = [n for n in module.body if isinstance(n, ast.FunctionDef) and n.name in ("upgrade", "downgrade")]
    beside = [node for node in module.body if node not in own and not _is_about_itself(node, module)]
    for node in beside:
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            raise Refused(
                f"{part.script.path} imports *, which cannot be moved into a function",
                hint=f"name what {part.script.path} imports",
            )
    shared = shared_imports(beside)
    return _Code(
        part=part,
        functions={node.name: node for node in own},
        beside=tuple(node for node in beside if node not in shared),
        shared=tuple(ast.unparse(node) for node in shared),
    )


def _function(code: _Code, name: str) -> str:
    """A function that does what ``upgrade`` or ``downgrade`` of a script does, wherever it stands."""
    script = code.part.script
    words = f"{script.message} ({script.revision})".strip()
    if name in code.functions:
        return function_of(code.part.text, code.beside, code.functions[name], _named(script, name), words)
    text = f"def {name}():\n    raise NotImplementedError({f'{script.revision} has no {name}()'!r})\n"
    missing = ast.parse(text).body[0]
    assert isinstance(missing, ast.FunctionDef)
    return function_of(text, (), missing, _named(script, name), words)


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


def _whole(name: str, codes: Sequence[_Code]) -> str:
    steps = [f"{_function(code, name)}\n\n    {_named(code.part.script, name)}()" for code in codes]
    return f"def {name}() -> None:\n" + "\n\n".join(steps)


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

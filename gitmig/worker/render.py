"""Operations of our own, and the text of a revision out of the project's own template."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _render_python_into_templatevars
from alembic.config import Config
from alembic.operations.ops import AlterColumnOp, MigrateOperation, MigrationScript
from alembic.script import ScriptDirectory
from alembic.util import format_as_comma, template_to_file

Lines = Callable[[str, bool], Sequence[str]]
"""Python lines for a prefix (``op.`` or ``batch_op.``) and whether they stand in a batch."""


class WrittenOp(MigrateOperation):
    """An operation that Alembic renders not at all or not in every version: lines for both directions.

    ``rebuilds`` says that SQLite has no ALTER TABLE for it.
    """

    def __init__(self, up: Lines, down: Lines, *, rebuilds: bool = False):
        self.up = up
        self.down = down
        self.rebuilds = rebuilds

    def reverse(self) -> WrittenOp:
        """The same with the directions exchanged."""
        return WrittenOp(self.down, self.up, rebuilds=self.rebuilds)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For hooks that look at differences."""
        return ("gitmig", tuple(self.up("op.", False)))


class OpenOp(MigrateOperation):
    """A change that nobody can write but a person: a line in upgrade()."""

    def __init__(self, line: str = ""):
        self.line = line

    def reverse(self) -> OpenOp:
        """Nothing to say in downgrade()."""
        return OpenOp()

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For hooks that look at differences."""
        return ("gitmig", self.line)


class RenameColumnOp(AlterColumnOp):
    """A column's new name; Alembic's own reverse forgets it."""

    def reverse(self) -> RenameColumnOp:
        """The old name again."""
        return RenameColumnOp(
            self.table_name,
            str(self.modify_name),
            schema=self.schema,
            existing_type=self.existing_type,
            existing_nullable=self.existing_nullable,
            modify_name=self.column_name,
        )


def call(
    name: str, *arguments: str, table: str | None = None, schema: str | None = None, first: str = ""
) -> Lines:
    """A call of ``op.name(first, 'table', *arguments, schema=…)``; a batch knows its table and schema."""

    def lines(prefix: str, batch: bool) -> list[str]:
        given = [first] if first else []
        if table is not None and not batch:
            given.append(repr(table))
        given += arguments
        if schema is not None and not batch:
            given.append(f"schema={schema!r}")
        return [f"{prefix}{name}({', '.join(given)})"]

    return lines


def execute(statement: str) -> Lines:
    """``op.execute()`` of SQL text."""
    # op.execute() takes `:name` for a parameter.
    escaped = re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", statement)
    return lambda prefix, batch: [f"{prefix}execute({escaped!r})"]


def nothing(prefix: str, batch: bool) -> list[str]:
    """No lines."""
    return []


@renderers.dispatch_for(WrittenOp)
def _written(context: AutogenContext, operation: WrittenOp) -> list[str]:
    batch = bool(getattr(context, "_has_batch", False))
    prefix = "batch_op." if batch else context.opts.get("alembic_module_prefix") or "op."
    return list(operation.up(prefix, batch))


@renderers.dispatch_for(OpenOp)
def _open(context: AutogenContext, operation: OpenOp) -> list[str]:
    # On one line: the next one would be code.
    return [f"# gitmig: write by hand: {' '.join(operation.line.split())}"] if operation.line else []


@dataclass(frozen=True)
class Rendered:
    """A revision's text, and where it belongs."""

    folder: Path
    filename: str
    text: str


def render_script(
    config: Config,
    directory: ScriptDirectory,
    script: MigrationScript,
    heads: Sequence[str],
    context: AutogenContext | None,
    template_arguments: dict[str, Any],
) -> Rendered:
    """The text that Alembic would write for ``script``, with the file name it would give it.

    ``context`` None leaves the bodies to the template, as `alembic revision` without autogenerate does.
    """
    arguments: dict[str, Any] = {"config": config, **template_arguments}
    if context is not None:
        context.imports = set(script.imports or ())
        _render_python_into_templatevars(context, script, arguments)
        tokens = [each.upgrade_token for each in script.upgrade_ops_list]
        tokens += [each.downgrade_token for each in script.downgrade_ops_list]
        arguments |= {token: _with_a_statement(arguments[token]) for token in tokens}
    folder = _folder(directory, script)
    created = directory._generate_create_date()
    path = directory._rev_path(str(folder), str(script.rev_id), script.message, created)
    down: Any = tuple(heads) if len(heads) > 1 else (heads[0] if heads else None)
    depends = _tuple(script.depends_on)
    with tempfile.TemporaryDirectory(prefix="gitmig-") as scratch:
        written = Path(scratch, "revision.py")
        template_to_file(
            str(Path(directory.dir, "script.py.mako")),
            str(written),
            directory.output_encoding,
            up_revision=str(script.rev_id),
            down_revision=down,
            branch_labels=_tuple(script.branch_label),
            depends_on=depends if depends is None or len(depends) > 1 else depends[0],
            create_date=created,
            comma=format_as_comma,
            message="empty message" if script.message is None else in_docstring(script.message),
            **arguments,
        )
        text = written.read_bytes().decode(directory.output_encoding)
    return Rendered(folder, Path(path).relative_to(folder).as_posix(), text)


def in_docstring(message: str) -> str:
    """A message as it has to be written between three quotation marks, to be read as what it is.

    Alembic's template takes it as it comes: three quotation marks in it would end the docstring, and the
    rest would be code.
    """
    escaped = message.replace("\\", "\\\\").replace('"""', '""\\"')
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode()
        for char in escaped
    )


def _with_a_statement(body: str) -> str:
    """A body of comments alone is no Python."""
    if any(line.strip() and not line.lstrip().startswith("#") for line in body.splitlines()):
        return body
    return f"{body.rstrip()}\n    pass"


def _folder(directory: ScriptDirectory, script: MigrationScript) -> Path:
    places = directory._version_locations
    if script.version_path is not None:
        return Path(script.version_path)
    return Path(str(next(iter(places))))


def _tuple(value: Any) -> tuple[str, ...] | None:
    if not value:
        return None
    return (value,) if isinstance(value, str) else tuple(value)

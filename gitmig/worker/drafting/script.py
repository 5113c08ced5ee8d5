"""The text of a revision out of the project's own template."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _render_python_into_templatevars
from alembic.config import Config
from alembic.operations.ops import MigrationScript
from alembic.script import ScriptDirectory
from alembic.util import format_as_comma, template_to_file

from .wrapping import wrapped


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
        context.imports = {*(context.imports or ()), *(script.imports or ())}
        _render_python_into_templatevars(context, script, arguments)
        tokens = [each.upgrade_token for each in script.upgrade_ops_list]
        tokens += [each.downgrade_token for each in script.downgrade_ops_list]
        arguments |= {token: wrapped(_with_a_statement(arguments[token])) for token in tokens}
    folder, created = _folder(directory, script), directory._generate_create_date()
    path = directory._rev_path(str(folder), str(script.rev_id), script.message, created)
    depends = _tuple(script.depends_on)
    with tempfile.TemporaryFile() as file:
        # It has no name, so that nothing is left lying if this process is killed.
        template_to_file(
            str(Path(directory.dir, "script.py.mako")),
            f"/dev/fd/{file.fileno()}",
            directory.output_encoding,
            up_revision=str(script.rev_id),
            down_revision=tuple(heads) if len(heads) > 1 else (heads[0] if heads else None),
            branch_labels=_tuple(script.branch_label),
            depends_on=depends if depends is None or len(depends) > 1 else depends[0],
            create_date=created,
            comma=format_as_comma,
            message="empty message" if script.message is None else in_docstring(script.message),
            **arguments,
        )
        file.seek(0)
        text = file.read().decode(directory.output_encoding)
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

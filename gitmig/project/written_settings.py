"""Writing environments into the pyproject.toml that their settings belong into; the rest of it stays."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable

from gitmig.core.environments import SETTINGS, Environment
from gitmig.core.settings import parse_settings
from gitmig.errors import SettingsError
from gitmig.state.files import write_text

_WIDE = 80
"""Characters of a list that is written in one line, at most."""


def write_settings(
    top: Path,
    before: Sequence[Environment],
    now: Sequence[Environment],
    others: Sequence[Environment],
    *,
    dry_run: bool,
) -> list[str]:
    """Write down what is new in ``now``; returns the files that are changed, relative to the top.

    An environment that is found as it is needs its models alone, in ``[tool.gitmig]``; one of several, or one
    that has to be named, gets an entry in ``[[tool.gitmig.environments]]``, and so do the ``others`` that the
    same file configures. Raises SettingsError.
    """
    changed = []
    for path in dict.fromkeys(each.settings_file for each in now):
        those = [(old, new) for old, new in zip(before, now, strict=True) if new.settings_file == path]
        if any(not old.configured or old != new for old, new in those):
            beside = [each for each in others if each.configured and each.settings_file == path]
            changed += _write(top, path, [*beside, *(new for _, new in those)], dry_run=dry_run)
    return changed


def _write(top: Path, path: str, environments: Sequence[Environment], *, dry_run: bool) -> list[str]:
    place = top / path
    try:
        # Bytes, so that line ends stay as they are.
        text = place.read_bytes().decode("utf-8") if place.is_file() else ""
        document = tomlkit.parse(text)
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}", hint=f"correct {path}") from None
    # Ours go to the end: a file may have its tables of tools in several places, with comments between them.
    at_end = "gitmig" not in document.get("tool", {}) and not isinstance(document.get("tool"), InlineTable)
    if at_end:
        document = tomlkit.document()
    tool: Any = document.setdefault("tool", tomlkit.table(is_super_table=True))
    table = tool.setdefault("gitmig", tomlkit.table())
    if "environments" not in table and len(environments) == 1 and is_plain(environments[0]):
        if not environments[0].settings.models:
            return []
        table["models"] = _array(environments[0].settings.models)
    else:
        table.pop("models", None)
        _list(table, posixpath.dirname(path), environments)
    written = _below(text, tomlkit.dumps(document)) if at_end else tomlkit.dumps(document)
    parse_settings(written, path)
    if written == text:
        return []
    if not dry_run:
        write_text(place, written if text else written.lstrip())
    return [path]


def _below(text: str, added: str) -> str:
    """The text with a paragraph at its end."""
    end = "\r\n" if "\r\n" in text else "\n"
    between = "" if not text or text.endswith(end * 2) else end if text.endswith(end) else end * 2
    return text + between + added.replace("\n", end)


def _array(values: Sequence[str]) -> Any:
    """A list of texts, one a line if it is long."""
    array = tomlkit.array()
    array.extend(values)
    return array.multiline(sum(map(len, values)) > _WIDE)


def is_plain(environment: Environment) -> bool:
    """Whether every command finds the environment by itself, as Alembic would."""
    source = environment.configuration.source
    ini = posixpath.basename(source.ini) if source.ini is not None else None
    named = ini == "alembic.ini" or (ini is None and posixpath.basename(source.toml or "") == SETTINGS)
    return (
        named
        and source.section == "alembic"
        and source.folder is None
        and not source.versions
        and source.flask is None
    )


def _list(table: Any, folder: str, environments: Sequence[Environment]) -> None:
    if "environments" not in table:
        if table:
            table.add(tomlkit.nl())
        table["environments"] = tomlkit.aot()
    listed = table["environments"]
    for environment in environments:
        known = next((entry for entry in listed if entry.get("name") == environment.name), None)
        entry = tomlkit.table() if known is None else known
        for key, value in _entry(environment, folder).items():
            if entry.get(key) != value:
                entry[key] = _array(value) if isinstance(value, list) else value
        if known is None:
            listed.append(entry)


def _entry(environment: Environment, folder: str) -> dict[str, Any]:
    source, configuration = environment.configuration.source, environment.configuration

    def relative(path: str | None) -> str | None:
        return None if path is None else posixpath.relpath(path, folder or ".")

    config = configuration.ini or configuration.toml
    values = {
        "name": environment.name,
        "config": relative(config),
        "script_location": relative(configuration.script_location)
        if config is None or source.folder
        else None,
        "version_locations": [relative(one) for one in source.versions],
        "section": source.section if source.section != "alembic" else None,
        "flask": source.flask,
        "models": list(environment.settings.models),
    }
    return {key: value for key, value in values.items() if value}

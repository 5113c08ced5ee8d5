"""The tracked settings: ``[tool.gitmig]`` of the pyproject.toml beside alembic.ini.

Whatever names a program, a database or an automatism is read only from git configuration and the
environment, never from here: a cloned repository must not be able to run anything by its settings.
"""

from __future__ import annotations

import difflib
import posixpath
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gitmig.core.codes import MEANINGS, Severity
from gitmig.errors import SettingsError

_PRIVATE = (
    "python",
    "scratchUrl",
    "sync",
    "rebase",
    "commit",
    "protected",
    "lock",
    "noInterpreter",
    "parkLimit",
    "x",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSettings:
    """One of ``[[tool.gitmig.environments]]``; paths are relative to the file they stand in."""

    name: str
    script_location: str | None = None
    version_locations: tuple[str, ...] = ()
    """If the configuration does not say where all revisions are: each folder with all below it."""
    config: str | None = None
    section: str = "alembic"
    flask: str | None = None
    models: tuple[str, ...] = ()
    metadata: str | None = None
    dialect: str | None = None
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the tracked settings say; paths are relative to the file they stand in."""

    models: tuple[str, ...] = ()
    metadata: str | None = None
    dialect: str | None = None
    exclude: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    commit_message: str = "{message}"
    severity: Mapping[str, Severity | None] = field(default_factory=dict)
    """Per finding code; None if the finding is switched off."""
    environments: tuple[EnvironmentSettings, ...] = ()

    def named(self, environment: str) -> Settings:
        """The settings of an environment, if they list it; else these themselves."""
        declared = next((one for one in self.environments if one.name == environment), None)
        return self.of(declared) if declared is not None else self

    def of(self, environment: EnvironmentSettings) -> Settings:
        """The settings of one of the environments."""
        return replace(
            self,
            models=environment.models,
            metadata=environment.metadata or self.metadata,
            dialect=environment.dialect or self.dialect,
            exclude=environment.exclude or self.exclude,
            environments=(),
        )


def parse_settings(text: str, name: str = "pyproject.toml") -> Settings:
    """Settings out of a pyproject.toml's text; without ``[tool.gitmig]`` they are the defaults.

    Raises SettingsError for TOML that does not parse, unknown keys (with "did you mean"), values of
    the wrong type, and keys that only git configuration may hold.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name} is not valid TOML: {error}", hint=f"correct {name}") from None
    table = _table(document.get("tool", {}), "gitmig", name)
    for key in table:
        _known(key, name, "[tool.gitmig]", Settings.__dataclass_fields__)
    return Settings(
        models=_paths(table, "models", name),
        metadata=_optional(table, "metadata", name),
        dialect=_optional(table, "dialect", name),
        exclude=_strings(table, "exclude", name),
        published=_strings(table, "published", name),
        commit_message=_message(table, name),
        severity=_severity(table, name),
        environments=_environments(table, name),
    )


def _environments(table: Mapping[str, object], name: str) -> tuple[EnvironmentSettings, ...]:
    tables = table.get("environments", [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise _wrong("environments", name, "tables: [[tool.gitmig.environments]]")
    found = tuple(_environment(one, name) for one in tables)
    names = [one.name for one in found]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise SettingsError(
            f"two environments are named {twice!r} in [[tool.gitmig.environments]] of {name}",
            hint=f"give each its own name in {name}",
        )
    return found


def _environment(table: Mapping[str, object], name: str) -> EnvironmentSettings:
    for key in table:
        _known(key, name, "[[tool.gitmig.environments]]", EnvironmentSettings.__dataclass_fields__)
    label = _optional(table, "name", name)
    if not label:
        raise SettingsError(
            f"an environment has no name in [[tool.gitmig.environments]] of {name}",
            hint=f'add name = "…" in {name}',
        )
    found = EnvironmentSettings(
        name=label,
        script_location=_path(table, "script_location", name),
        version_locations=_paths(table, "version_locations", name),
        config=_path(table, "config", name),
        section=_optional(table, "section", name) or "alembic",
        flask=_optional(table, "flask", name),
        models=_paths(table, "models", name),
        metadata=_optional(table, "metadata", name),
        dialect=_optional(table, "dialect", name),
        exclude=_strings(table, "exclude", name),
    )
    if found.config is None and found.script_location is None:
        raise SettingsError(
            f"the environment {label!r} in {name} names neither config nor script_location",
            hint=f"add one of them in {name}",
        )
    return found


def _table(container: object, key: str, name: str) -> Mapping[str, object]:
    value = container.get(key, {}) if isinstance(container, dict) else {}
    if not isinstance(value, dict):
        raise SettingsError(f"[tool.{key}] in {name} is not a table", hint=f"correct {name}")
    return value


def _known(key: str, name: str, table: str, known_keys: Collection[str]) -> None:
    if key in known_keys:
        return
    private = {_spelled(known): known for known in _PRIVATE}.get(_spelled(key))
    if private is not None:
        raise SettingsError(
            f"{key!r} in {table} of {name} names a program, a database or an automatism, "
            "which tracked files may not do",
            hint=f"remove it from {name}, then: git config gitmig.{private} VALUE",
        )
    close = difflib.get_close_matches(key, known_keys, n=1)
    raise SettingsError(
        f"unknown setting {key!r} in {table} of {name}",
        hint=f"did you mean {close[0]!r}?" if close else f"remove {key!r} from {name}",
    )


def _spelled(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()


def _wrong(key: str, name: str, expected: str) -> SettingsError:
    return SettingsError(f"{key!r} in [tool.gitmig] of {name} must be {expected}", hint=f"correct {name}")


def _optional(table: Mapping[str, object], key: str, name: str) -> str | None:
    value = table.get(key)
    if value is None or isinstance(value, str):
        return value
    raise _wrong(key, name, "a string")


def _strings(table: Mapping[str, object], key: str, name: str) -> tuple[str, ...]:
    value = table.get(key, ())
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Sequence) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise _wrong(key, name, "a list of strings")


def _path(table: Mapping[str, object], key: str, name: str) -> str | None:
    paths = _paths(table, key, name) if _optional(table, key, name) is not None else ()
    return paths[0] if paths else None


def _paths(table: Mapping[str, object], key: str, name: str) -> tuple[str, ...]:
    folder = posixpath.dirname(name)
    paths = tuple(
        path.replace("\\", "/").removeprefix("./").rstrip("/") for path in _strings(table, key, name)
    )
    for path in paths:
        if (
            path.startswith("/")
            or not path
            or posixpath.normpath(posixpath.join(folder, path)).startswith("..")
        ):
            raise _wrong(key, name, "a list of files or folders of the repository")
    return paths


def _message(table: Mapping[str, object], name: str) -> str:
    value = _optional(table, "commit_message", name) or "{message}"
    if "{message}" not in value:
        raise _wrong("commit_message", name, "a string that contains {message}")
    return value


def _severity(table: Mapping[str, object], name: str) -> Mapping[str, Severity | None]:
    value = table.get("severity", {})
    if not isinstance(value, dict):
        raise _wrong("severity", name, "a table of finding codes")
    for code, word in value.items():
        if code not in MEANINGS:
            raise SettingsError(
                f"unknown finding code {code!r} in [tool.gitmig.severity] of {name}",
                hint=f"the codes are {', '.join(MEANINGS)}",
            )
        if word not in ("error", "warning", "off"):
            raise _wrong(f"severity.{code}", name, '"error", "warning" or "off"')
    return {code: None if word == "off" else Severity(word) for code, word in value.items()}

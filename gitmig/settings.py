"""The tracked settings: ``[tool.gitmig]`` of the pyproject.toml beside alembic.ini.

Whatever names a program, a database or an automatism is read only from git configuration and the
environment, never from here: a cloned repository must not be able to run anything by its settings.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gitmig.errors import SettingsError
from gitmig.model import Severity

CODES = tuple(
    f"GM{number:03d}"
    for number in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24)
)
_PRIVATE = ("python", "scratchUrl", "sync", "commit", "protected", "lock", "noInterpreter", "parkLimit", "x")


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
    """Per finding code; None where the finding is switched off."""


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
        _known(key, name)
    return Settings(
        models=_paths(table, "models", name),
        metadata=_optional(table, "metadata", name),
        dialect=_optional(table, "dialect", name),
        exclude=_strings(table, "exclude", name),
        published=_strings(table, "published", name),
        commit_message=_message(table, name),
        severity=_severity(table, name),
    )


def _table(container: object, key: str, name: str) -> Mapping[str, object]:
    value = container.get(key, {}) if isinstance(container, dict) else {}
    if not isinstance(value, dict):
        raise SettingsError(f"[tool.{key}] in {name} is not a table", hint=f"correct {name}")
    return value


def _known(key: str, name: str) -> None:
    if key in Settings.__dataclass_fields__:
        return
    private = {_spelled(known): known for known in _PRIVATE}.get(_spelled(key))
    if private is not None:
        raise SettingsError(
            f"{key!r} in [tool.gitmig] of {name} names a program, a database or an automatism, "
            "which tracked files may not do",
            hint=f"remove it from {name}, then: git config gitmig.{private} VALUE",
        )
    close = difflib.get_close_matches(key, Settings.__dataclass_fields__, n=1)
    raise SettingsError(
        f"unknown setting {key!r} in [tool.gitmig] of {name}",
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


def _paths(table: Mapping[str, object], key: str, name: str) -> tuple[str, ...]:
    paths = tuple(
        path.replace("\\", "/").removeprefix("./").rstrip("/") for path in _strings(table, key, name)
    )
    for path in paths:
        if path.startswith("/") or not path or ".." in path.split("/"):
            raise _wrong(key, name, "a list of files or folders below it")
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
        if code not in CODES:
            raise SettingsError(
                f"unknown finding code {code!r} in [tool.gitmig.severity] of {name}",
                hint=f"the codes are {', '.join(CODES)}",
            )
        if word not in ("error", "warning", "off"):
            raise _wrong(f"severity.{code}", name, '"error", "warning" or "off"')
    return {code: None if word == "off" else Severity(word) for code, word in value.items()}

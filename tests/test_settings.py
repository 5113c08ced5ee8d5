"""``[tool.gitmig]``: what it may say, and how each mistake is told."""

from __future__ import annotations

import pytest

from gitmig.core.codes import MEANINGS, Severity
from gitmig.core.settings import Settings, parse_settings
from gitmig.errors import SettingsError


def refused(text: str) -> tuple[str, str | None]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(text)
    assert caught.value.exit_code == 2
    return caught.value.message, caught.value.hint


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'\n", "[tool.ruff]\n", "[tool.gitmig]\n"])
def test_without_settings_there_are_defaults(text: str) -> None:
    assert parse_settings(text) == Settings()


def test_every_setting_is_read() -> None:
    text = """
        [tool.gitmig]
        models = ["app/models.py", "./lib/tables/"]
        metadata = "app.models:Base.metadata"
        dialect = "postgresql"
        exclude = ["view_*"]
        published = ["origin/release/*"]
        commit_message = "db: {message}"
        [tool.gitmig.severity]
        GM001 = "warning"
        GM002 = "off"
        GM007 = "error"
    """
    assert parse_settings(text) == Settings(
        models=("app/models.py", "lib/tables"),
        metadata="app.models:Base.metadata",
        dialect="postgresql",
        exclude=("view_*",),
        published=("origin/release/*",),
        commit_message="db: {message}",
        severity={"GM001": Severity.WARNING, "GM002": None, "GM007": Severity.ERROR},
    )


@pytest.mark.parametrize("text", ['models = "app/models.py"', 'models = ["app/models.py"]'])
def test_one_path_needs_no_list(text: str) -> None:
    assert parse_settings(f"[tool.gitmig]\n{text}\n").models == ("app/models.py",)


def test_backslashes_are_folders_too() -> None:
    assert parse_settings("[tool.gitmig]\nmodels = ['app\\models.py']\n").models == ("app/models.py",)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("model", "did you mean 'models'?"),
        ("commit-message", "did you mean 'commit_message'?"),
        ("severities", "did you mean 'severity'?"),
        ("Models", "did you mean 'models'?"),
        ("xyz", "remove 'xyz' from pyproject.toml"),
    ],
)
def test_an_unknown_key_is_refused_with_what_may_have_been_meant(key: str, hint: str) -> None:
    assert refused(f'[tool.gitmig]\n{key} = "x"\n') == (
        f"unknown setting {key!r} in [tool.gitmig] of pyproject.toml",
        hint,
    )


@pytest.mark.parametrize(
    ("key", "known"),
    [
        ("python", "python"),
        ("scratchUrl", "scratchUrl"),
        ("scratch_url", "scratchUrl"),
        ("scratchurl", "scratchUrl"),
        ("sync", "sync"),
        ("commit", "commit"),
        ("protected", "protected"),
    ],
)
def test_what_names_a_program_a_database_or_an_automatism_is_refused(key: str, known: str) -> None:
    assert refused(f'[tool.gitmig]\n{key} = "x"\n') == (
        f"{key!r} in [tool.gitmig] of pyproject.toml names a program, a database or an automatism, "
        "which tracked files may not do",
        f"remove it from pyproject.toml, then: git config gitmig.{known} VALUE",
    )


@pytest.mark.parametrize(
    ("line", "key", "expected"),
    [
        ("models = 3", "models", "a list of strings"),
        ("models = [1]", "models", "a list of strings"),
        ('models = ["/etc/models.py"]', "models", "a list of files or folders of the repository"),
        ('models = ["../models.py"]', "models", "a list of files or folders of the repository"),
        ('models = ["app/../../x.py"]', "models", "a list of files or folders of the repository"),
        ('models = [""]', "models", "a list of files or folders of the repository"),
        ('models = ["./"]', "models", "a list of files or folders of the repository"),
        ("metadata = 3", "metadata", "a string"),
        ("dialect = []", "dialect", "a string"),
        ("exclude = {a = 1}", "exclude", "a list of strings"),
        ("published = true", "published", "a list of strings"),
        ('commit_message = "a revision"', "commit_message", "a string that contains {message}"),
        ('severity = "off"', "severity", "a table of finding codes"),
        ('severity = {GM001 = "none"}', "severity.GM001", '"error", "warning" or "off"'),
        ("severity = {GM001 = 3}", "severity.GM001", '"error", "warning" or "off"'),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(line: str, key: str, expected: str) -> None:
    assert refused(f"[tool.gitmig]\n{line}\n") == (
        f"{key!r} in [tool.gitmig] of pyproject.toml must be {expected}",
        "correct pyproject.toml",
    )


def test_an_unknown_finding_is_refused() -> None:
    assert refused('[tool.gitmig.severity]\nGM999 = "off"\n') == (
        "unknown finding code 'GM999' in [tool.gitmig.severity] of pyproject.toml",
        f"the codes are {', '.join(MEANINGS)}",
    )


def test_a_table_that_is_none_is_refused() -> None:
    assert refused("tool = {gitmig = 3}\n") == (
        "[tool.gitmig] in pyproject.toml is not a table",
        "correct pyproject.toml",
    )


def test_broken_toml_is_refused_under_its_own_name() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings("[tool.gitmig\n", "backend/pyproject.toml")
    assert caught.value.message.startswith("backend/pyproject.toml is not valid TOML: ")
    assert caught.value.hint == "correct backend/pyproject.toml"

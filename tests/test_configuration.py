"""The Alembic configuration read as text, held against Alembic's own reading of it."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from gitmig.core.configuration import Configuration, File, Source, holds_password, parse_configuration
from gitmig.errors import NoAlembic, SettingsError


def ini(body: str, path: str = "alembic.ini", section: str = "alembic") -> Configuration:
    found = parse_configuration(ini=File(path=path, text=f"[{section}]\n{body}\n"), section=section)
    assert found is not None
    return found


def toml(body: str, path: str = "pyproject.toml") -> Configuration:
    found = parse_configuration(toml=File(path=path, text=f"[tool.alembic]\n{body}\n"))
    assert found is not None
    return found


@pytest.mark.parametrize("location", ["alembic", "%(here)s/alembic", "./alembic", "alembic/", "x/../alembic"])
@pytest.mark.parametrize("folder", ["", "backend/"])
def test_the_script_location(location: str, folder: str) -> None:
    found = ini(f"script_location = {location}", f"{folder}alembic.ini")
    assert found.script_location == f"{folder}alembic"
    assert found.versions == (f"{folder}alembic/versions",)
    assert found.directory == folder.rstrip("/")
    assert (found.path, found.ini, found.toml) == (f"{folder}alembic.ini", f"{folder}alembic.ini", None)


def test_a_folder_named_like_its_parent_is_its_own() -> None:
    assert ini("script_location = backend/alembic", "backend/alembic.ini").script_location == (
        "backend/backend/alembic"
    )
    assert ini("script_location = %(here)s", "backend/alembic.ini").script_location == "backend"


def test_the_script_location_may_be_in_a_package() -> None:
    assert ini("script_location = app.db:migrations").script_location == "app/db/migrations"
    assert ini("script_location = app.db:migrations", "src/alembic.ini").script_location == (
        "src/app/db/migrations"
    )


def test_a_sibling_folder_is_reached_from_a_nested_ini() -> None:
    assert ini("script_location = %(here)s/../migrations", "conf/alembic.ini").script_location == "migrations"


SEVERAL = [
    ("os", "%(here)s/versions:%(here)s/more/versions"),
    (":", "versions:more/versions"),
    (";", "versions; more/versions"),
    ("space", "versions more/versions"),
    ("newline", "\n    versions\n    more/versions"),
    (None, "versions, more/versions"),
    (None, "versions more/versions"),
    (None, "versions,more/versions"),
]


@pytest.mark.parametrize("key", ["path_separator", "version_path_separator"])
@pytest.mark.parametrize(("separator", "locations"), SEVERAL)
def test_several_version_locations(separator: str | None, locations: str, key: str, tmp_path: Path) -> None:
    body = f"script_location = %(here)s/alembic\nversion_locations = {locations}\n"
    body += f"{key} = {separator}\n" if separator else ""
    assert ini(body).versions == ("versions", "more/versions")
    (tmp_path / "alembic.ini").write_text(f"[alembic]\n{body}", encoding="utf-8")
    assert ini(body).versions == alembics_own(tmp_path)


def alembics_own(top: Path) -> tuple[str, ...]:
    """The folders as Alembic finds them, relative to the top, where it was started."""
    (top / "alembic").mkdir()
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.chdir(top)
        places = ScriptDirectory.from_config(Config(top / "alembic.ini"))._version_locations
        return tuple(Path(place).resolve().relative_to(top.resolve()).as_posix() for place in places)


@pytest.mark.parametrize(
    ("word", "recursive"), [("true", True), ("false", False), ("True", False), ("1", False), ("", False)]
)
def test_recursive_locations_as_alembic_spells_them(word: str, recursive: bool) -> None:
    found = ini(f"script_location = alembic\nrecursive_version_locations = {word}")
    assert found.recursive is recursive
    assert found.holds("alembic/versions/2026/01/a_b.py") is recursive
    assert found.holds("alembic/versions/a_b.py")


@pytest.mark.parametrize(
    ("path", "held"),
    [
        ("alembic/versions/aaaa_first.py", True),
        ("alembic/versions/.#aaaa_first.py", False),
        ("alembic/versions/__init__.py", False),
        ("alembic/versions/__init__extra.py", False),
        ("alembic/versions/notes.txt", False),
        ("alembic/versions/aaaa.pyc", False),
        ("alembic/env.py", False),
        ("other/versions/aaaa.py", False),
        ("alembic/versions_old/aaaa.py", False),
    ],
)
def test_what_counts_as_a_revision_file(path: str, held: bool) -> None:
    assert ini("script_location = alembic").holds(path) is held


def test_the_roots_are_where_code_is_imported_from() -> None:
    assert ini("script_location = alembic", "backend/alembic.ini").roots == ("backend",)
    body = "script_location = alembic\nprepend_sys_path = .:src:../lib:/opt/x"
    assert ini(body, "backend/alembic.ini").roots == ("backend", "backend/src", "lib")
    assert ini(f"{body}\nversion_path_separator = space").roots == ("", "src")
    assert ini("script_location = alembic\nprepend_sys_path = src lib\npath_separator = space").roots == (
        "",
        "src",
        "lib",
    )


def test_another_section() -> None:
    text = "[alembic]\nscript_location = one\n[second]\nscript_location = two\n"
    file = File(path="alembic.ini", text=text)
    found = parse_configuration(ini=file, section="second")
    assert found is not None
    assert (found.script_location, found.section) == ("two", "second")


def test_a_password_with_a_percent_sign_does_not_stop_the_reading() -> None:
    assert ini("script_location = alembic\nsqlalchemy.url = postgresql://u:p%xy@h/d").url == (
        "postgresql://u:p%xy@h/d"
    )


def test_toml_alone() -> None:
    body = """
        script_location = "%(here)s/alembic"
        version_locations = ["%(here)s/alembic/versions", "%(here)s/50%% off/versions"]
        prepend_sys_path = [".", "src"]
        recursive_version_locations = true
    """
    found = toml(body, "backend/pyproject.toml")
    assert found == Configuration(
        path="backend/pyproject.toml",
        ini=None,
        toml="backend/pyproject.toml",
        section="alembic",
        directory="backend",
        script_location="backend/alembic",
        versions=("backend/alembic/versions", "backend/50% off/versions"),
        recursive=True,
        roots=("backend", "backend/src", ""),
        source=Source(toml="backend/pyproject.toml"),
    )


def test_toml_without_the_table_is_nobodys() -> None:
    for text in ("", "[tool.gitmig]\n", "tool = 3\n", "[tool]\nalembic = 3\n"):
        assert parse_configuration(toml=File(path="pyproject.toml", text=text)) is None


def test_an_ini_beside_toml_has_the_last_word() -> None:
    both = parse_configuration(
        ini=File(path="alembic.ini", text="[alembic]\nscript_location = alembic\n"),
        toml=File(
            path="pyproject.toml",
            text='[tool.alembic]\nscript_location = "other"\nversion_locations = ["one", "two"]\n',
        ),
    )
    assert both is not None
    assert (both.path, both.ini, both.toml) == ("alembic.ini", "alembic.ini", "pyproject.toml")
    assert both.files == ("alembic.ini", "pyproject.toml")
    assert (both.script_location, both.versions) == ("alembic", ("one", "two"))


@pytest.mark.parametrize(
    "ini_text", ["[alembic]\nsqlalchemy.url = sqlite:///a.db\n", "[loggers]\nkeys=root\n"]
)
def test_an_ini_without_the_location_leaves_it_to_toml(ini_text: str) -> None:
    """As ``alembic init -t pyproject`` makes the two."""
    found = parse_configuration(
        ini=File(path="alembic.ini", text=ini_text),
        toml=File(path="pyproject.toml", text='[tool.alembic]\nscript_location = "%(here)s/alembic"\n'),
    )
    assert found is not None
    assert (found.path, found.ini, found.toml) == ("pyproject.toml", "alembic.ini", "pyproject.toml")
    assert found.versions == ("alembic/versions",)
    assert found.url == ("sqlite:///a.db" if "url" in ini_text else None)


def test_a_toml_without_the_table_is_not_part_of_it() -> None:
    found = parse_configuration(
        ini=File(path="alembic.ini", text="[alembic]\nscript_location = alembic\n"),
        toml=File(path="pyproject.toml", text="[project]\n"),
    )
    assert found is not None
    assert found.files == ("alembic.ini",)


@pytest.mark.parametrize(
    ("text", "section", "kind", "message", "hint"),
    [
        ("[alembic]\n", "alembic", NoAlembic, "alembic.ini has no script_location",
         "add script_location to alembic.ini"),
        ("[other]\n", "alembic", NoAlembic, "alembic.ini has no section [alembic]", "name one with --name"),
        ("[alembic]\n", "other", NoAlembic, "alembic.ini has no section [other]", "name one with --name"),
        ("x = 1\n", "alembic", SettingsError, "alembic.ini does not parse: File contains no section headers.",
         "correct alembic.ini"),
        ("[alembic]\nscript_location = /opt/x\n", "alembic", SettingsError,
         "alembic.ini names a folder outside of the project: /opt/x",
         "name it relative to %(here)s in alembic.ini"),
    ],
)  # fmt: skip
def test_mistakes_in_the_ini(
    text: str, section: str, kind: type[SettingsError], message: str, hint: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_configuration(ini=File(path="alembic.ini", text=text), section=section)
    assert type(caught.value) is kind
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_section_that_was_asked_for_is_not_replaced_by_toml() -> None:
    with pytest.raises(NoAlembic, match=r"alembic\.ini has no section \[second\]"):
        parse_configuration(
            ini=File(path="alembic.ini", text="[alembic]\n"),
            toml=File(path="pyproject.toml", text='[tool.alembic]\nscript_location = "a"\n'),
            section="second",
        )


def test_mistakes_in_toml() -> None:
    with pytest.raises(SettingsError, match=r"pyproject\.toml is not valid TOML: "):
        toml("x = ")
    with pytest.raises(NoAlembic, match=r"pyproject\.toml has no script_location"):
        toml('file_template = "x"')


@pytest.mark.parametrize(
    ("url", "held"),
    [
        (None, False),
        ("driver://user:pass@localhost/dbname", False),
        ("postgresql://u@h/d", False),
        ("postgresql://u:%(password)s@h/d", False),
        ("postgresql://u:$PASSWORD@h/d", False),
        ("sqlite:///app.db", False),
        ("postgresql://u:s3cret@h/d", True),
        ("postgresql://h/d?user=u&password=s3cret", True),
        ("mysql://h/d?passwd=s3cret", True),
        ("http://[broken", False),
    ],
)
def test_a_password_in_a_url(url: str | None, held: bool) -> None:
    assert holds_password(url) is held

"""Which environments a repository has, by what its files say."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gitmig.core.environments import Environment, FoundEnvironments, choose, choose_one, environments_of
from gitmig.errors import NoAlembic, NoConfiguration, SettingsError

ENV = "from alembic import context\n"
FLASK = "from flask import current_app\ndb = current_app.extensions['migrate'].db\n"
TOP = "/srv/shop"


class Memory:
    """Files in memory."""

    def __init__(self, files: Mapping[str, str]):
        self.files = files

    def exists(self, path: str) -> bool:
        return path in self.files or any(name.startswith(f"{path}/") for name in self.files)

    def read(self, path: str) -> bytes | None:
        text = self.files.get(path)
        return None if text is None else text.encode()


def revision(name: str, parent: str | None = None, more: str = "") -> str:
    return f"revision = {name!r}\ndown_revision = {parent!r}\n{more}"


def scripts(
    folder: str, env: str = ENV, versions: str = "versions", **revisions: str | None
) -> dict[str, str]:
    """A script folder with revisions ``name=parent``."""
    files = {f"{folder}/env.py": env, f"{folder}/script.py.mako": "${message}\n"}
    return files | {f"{folder}/{versions}/{name}_x.py": revision(name, up) for name, up in revisions.items()}


def found(*parts: Mapping[str, str]) -> FoundEnvironments:
    files = {path: text for part in parts for path, text in part.items()}
    return environments_of(list(files), Memory(files), TOP)


def told(those: FoundEnvironments) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Of each: name, file, the folder that it runs in, and the folders of its revisions."""
    return [
        (one.name, one.configuration.path, one.configuration.directory, one.configuration.versions)
        for one in those.environments
    ]


def ini(path: str, location: str, more: str = "", section: str = "alembic") -> dict[str, str]:
    return {path: f"[{section}]\nscript_location = {location}\n{more}\n[loggers]\nkeys = root\n"}


ONE = [
    pytest.param(
        (scripts("alembic", a=None), ini("alembic.ini", "alembic")),
        ("alembic", "alembic.ini", "", ("alembic/versions",)),
        id="plain",
    ),
    pytest.param(
        (scripts("back/alembic", a=None), ini("back/alembic.ini", "alembic")),
        ("back", "back/alembic.ini", "back", ("back/alembic/versions",)),
        id="a folder",
    ),
    pytest.param(
        (scripts("db/migrations", a=None), ini("db/alembic.ini", "db/migrations")),
        ("migrations", "db/alembic.ini", "", ("db/migrations/versions",)),
        id="run from the top",
    ),
    pytest.param(
        (
            scripts("shop/db", a=None),
            ini("shop/db/alembic.ini", "%(here)s"),
            {"shop/__init__.py": "", "shop/db/__init__.py": ""},
        ),
        ("shop", "shop/db/alembic.ini", "", ("shop/db/versions",)),
        id="in a package, which is imported from above",
    ),
    pytest.param(
        (
            scripts("conf/db", a=None),
            ini("conf/alembic.ini", "%(here)s/db", "prepend_sys_path = src"),
            {"src/shop/__init__.py": ""},
        ),
        ("conf", "conf/alembic.ini", "", ("conf/db/versions",)),
        id="where a path to import from leads somewhere",
    ),
    pytest.param(
        (scripts("alembic", a=None), ini("alembic.ini", f"{TOP}/alembic")),
        ("alembic", "alembic.ini", "", ("alembic/versions",)),
        id="an absolute path",
    ),
    pytest.param(
        (scripts("alembic", a=None), ini("alembic.ini", "alembic", f"version_locations = {TOP}/alembic/all")),
        ("alembic", "alembic.ini", "", ("alembic/all",)),
        id="absolute version locations",
    ),
    pytest.param(
        (scripts("src/shop/db", a=None), ini("alembic.ini", "shop:db")),
        ("shop", "alembic.ini", "", ("src/shop/db/versions",)),
        id="in a package under src",
    ),
    pytest.param(
        (scripts("migrations", FLASK, a=None), {"migrations/alembic.ini": "[alembic]\n", "app.py": ""}),
        ("migrations", "migrations/alembic.ini", "", ("migrations/versions",)),
        id="Flask-Migrate",
    ),
    pytest.param(
        (
            scripts("shop/migrations", FLASK, a=None),
            {"shop/migrations/alembic.ini": "[alembic]\n", ".flaskenv": "FLASK_APP=shop\n"},
        ),
        ("shop", "shop/migrations/alembic.ini", "", ("shop/migrations/versions",)),
        id="Flask-Migrate in a package",
    ),
    pytest.param(
        (
            scripts("db", a=None),
            {"pyproject.toml": '[tool.alembic]\nscript_location = "%(here)s/db"\n'},
        ),
        ("db", "pyproject.toml", "", ("db/versions",)),
        id="pyproject.toml",
    ),
    pytest.param(
        (scripts("shop/migrations", a=None), {"shop/__init__.py": ""}),
        ("shop", "shop/migrations/env.py", "", ("shop/migrations/versions",)),
        id="no configuration at all",
    ),
    pytest.param(
        (
            {"shop/migrations/env.py": "", "shop/migrations/script.py.mako": "", "shop/__init__.py": ""},
            {"shop/migrations/versions/.gitkeep": "", "shop/templates/env.py": ""},
            {"shop/templates/script.py.mako": ""},
        ),
        ("shop", "shop/migrations/env.py", "", ("shop/migrations/versions",)),
        id="none, and no revision yet",
    ),
    pytest.param(
        (scripts("src/shop/migrations", a=None), {"src/shop/__init__.py": ""}),
        ("shop", "src/shop/migrations/env.py", "", ("src/shop/migrations/versions",)),
        id="none, under src",
    ),
    pytest.param(
        (scripts("db", a=None), ini("conf/development.ini", "db")),
        ("conf", "conf/development.ini", "", ("db/versions",)),
        id="another name",
    ),
    pytest.param(
        (scripts("alembic", a=None), ini("alembic.ini", "alembic"), ini("alembic.docker.ini", "alembic")),
        ("alembic", "alembic.ini", "", ("alembic/versions",)),
        id="two files for one folder",
    ),
    pytest.param(
        (scripts("alembic", a=None), ini("alembic.ini", "alembic"), scripts("tests/x", b=None)),
        ("alembic", "alembic.ini", "", ("alembic/versions",)),
        id="one for the tests",
    ),
    pytest.param(
        (
            scripts("db", versions="versions/one", a=None),
            scripts("db", versions="versions/two", b="a"),
            ini("alembic.ini", "db"),
        ),
        ("db", "alembic.ini", "", ("db/versions",)),
        id="nested folders that meet",
    ),
]


@pytest.mark.parametrize(("files", "expected"), ONE)
def test_one(files: tuple[dict[str, str], ...], expected: tuple[str, str, str, tuple[str, ...]]) -> None:
    assert told(found(*files)) == [expected]


def test_sections_of_one_file() -> None:
    both = "[core]\nscript_location = core\n[tenant]\nscript_location = tenant\n[loggers]\nkeys = root\n"
    those = found(scripts("core", a=None), scripts("tenant", b=None), {"alembic.ini": both})
    assert [(one.name, one.configuration.section) for one in those.environments] == [
        ("core", "core"),
        ("tenant", "tenant"),
    ]


def test_sections_that_share_a_folder_are_one() -> None:
    both = "[DEFAULT]\nscript_location = db\n[alembic]\nsqlalchemy.url = a\n[other]\nsqlalchemy.url = b\n"
    assert told(found(scripts("db", a=None), {"alembic.ini": both})) == [
        ("db", "alembic.ini", "", ("db/versions",))
    ]


def test_two_folders_of_revisions_that_never_meet() -> None:
    """A package for two databases, whose code chooses."""
    those = found(
        scripts("src/shop/_migrations", versions="versions/sqlite", a=None, b="a"),
        scripts("src/shop/_migrations", versions="versions/postgresql", c=None),
        {"src/shop/__init__.py": ""},
    )
    assert told(those) == [
        ("postgresql", "src/shop/_migrations/env.py", "", ("src/shop/_migrations/versions/postgresql",)),
        ("sqlite", "src/shop/_migrations/env.py", "", ("src/shop/_migrations/versions/sqlite",)),
    ]


@pytest.mark.parametrize(
    ("below", "together"),
    [({"b": "a", "c": "b"}, True), ({"x": None, "y": "x"}, False), ({"b": "a"}, False)],
    ids=["they go on from it", "put aside", "a draft"],
)
def test_folders_of_releases_below_the_first_revision(below: dict[str, str | None], together: bool) -> None:
    """Code that calls Alembic names them all; what was put aside follows nothing that is there."""
    files = {"db/versions/z_x.py": revision("z", "a")} if len(below) < 2 else {}
    files |= scripts("db", a=None)
    files |= {f"db/versions/two/expand/{name}_x.py": revision(name, up) for name, up in below.items()}
    (one,) = found(files, ini("db/alembic.ini", "%(here)s")).environments
    assert one.configuration.recursive is together
    assert one.configuration.versions == ("db/versions",)


def test_folders_of_dates_that_the_ini_makes() -> None:
    """The folder of the one revision is no place for the next."""
    ours = scripts("alembic", versions="versions/2026/11", a=None)
    (one,) = found(ours, ini("alembic.ini", "alembic", "recursive_version_locations = true")).environments
    assert (one.configuration.versions, one.configuration.source.versions) == (("alembic/versions",), ())


def test_the_roots_of_a_package_without_configuration() -> None:
    those = found(scripts("src/shop/migrations", a=None), {"src/shop/__init__.py": ""})
    assert those.environments[0].configuration.roots == ("", "src")


def test_version_locations_in_an_installed_package() -> None:
    more = "version_locations = %(here)s/db/versions plugin:migrations"
    (one,) = found(scripts("db", a=None), ini("alembic.ini", "db", more)).environments
    assert (one.configuration.versions, one.configuration.outside) == (
        ("db/versions",),
        ("plugin:migrations",),
    )


SHOP = (scripts("one/alembic", a=None), ini("one/alembic.ini", "alembic"))
STOCK = (scripts("two/alembic", b=None), ini("two/alembic.ini", "alembic"))
TOOL = '[tool.gitmig]\nmodels = ["app"]\n'


def names(those: tuple[Environment, ...]) -> list[str]:
    return [one.name for one in those]


def test_settings_beside_each() -> None:
    those = found(*SHOP, *STOCK, {"one/pyproject.toml": TOOL, "two/pyproject.toml": TOOL})
    assert [(one.name, one.models, one.alone) for one in those.environments] == [
        ("one", ("one/app",), False),
        ("two", ("two/app",), False),
    ]


def test_settings_in_a_list() -> None:
    text = """
        [tool.gitmig]
        dialect = "sqlite"
        [[tool.gitmig.environments]]
        name = "stock"
        config = "two/alembic.ini"
        models = ["shared/models.py"]
        [[tool.gitmig.environments]]
        name = "gone"
        config = "three/alembic.ini"
    """
    those = found(*SHOP, *STOCK, {"pyproject.toml": text})
    assert [(one.name, one.models, one.configured) for one in those.environments] == [
        ("stock", ("shared/models.py",), True),
        ("one", (), False),
    ]
    assert those.environments[0].settings.dialect == "sqlite"
    assert names(choose(those, "")) == ["stock"]
    assert names(choose(those, "one")) == ["one"]


def test_settings_for_the_one_beside_them() -> None:
    """Those of the top are not those of an example further down."""
    those = found(scripts("alembic", a=None), ini("alembic.ini", "alembic"), *STOCK, {"pyproject.toml": TOOL})
    assert [(one.name, one.configured, one.models) for one in those.environments] == [
        ("alembic", True, ("app",)),
        ("two", False, ()),
    ]
    assert names(choose(those, "")) == ["alembic"]


@pytest.mark.parametrize(
    ("here", "expected"),
    [("", ["one", "two"]), ("one", ["one"]), ("one/app/deep", ["one"]), ("docs", ["one", "two"])],
)
def test_who_works_where(here: str, expected: list[str]) -> None:
    assert names(choose(found(*SHOP, *STOCK), here)) == expected


def test_by_name() -> None:
    those = found(*SHOP, *STOCK)
    assert choose_one(those, "one", "two").name == "two"
    with pytest.raises(SettingsError) as caught:
        choose_one(those, "", "tow")
    assert (caught.value.message, caught.value.hint) == (
        "no environment is named 'tow'",
        "there are: one, two",
    )


def test_one_of_several_has_to_be_named() -> None:
    with pytest.raises(NoAlembic) as caught:
        choose_one(found(*SHOP, *STOCK), "")
    assert (caught.value.message, caught.value.hint) == (
        "more than one Alembic environment: one, two",
        "name one, as in -e one, or start in its folder",
    )


def test_what_is_run_at_the_top_is_the_tops() -> None:
    those = found(scripts("alembic", a=None), ini("alembic.ini", "alembic"), *STOCK)
    assert choose_one(those, "").name == "alembic"
    assert choose_one(those, "two").name == "two"


def test_none() -> None:
    with pytest.raises(NoConfiguration):
        choose(found({"README.md": ""}), "")


def test_names_are_distinct() -> None:
    text = '[[tool.gitmig.environments]]\nname = "x"\nconfig = "alembic.ini"\n'
    files = [
        part
        for folder in ("one", "two")
        for part in (
            scripts(f"{folder}/alembic", a=None),
            ini(f"{folder}/alembic.ini", "alembic"),
            {f"{folder}/pyproject.toml": text},
        )
    ]
    with pytest.raises(SettingsError) as caught:
        found(*files)
    assert (caught.value.message, caught.value.hint) == (
        "two environments of the repository are named 'x'",
        "give one another name in one/pyproject.toml",
    )

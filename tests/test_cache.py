"""The cache of schemas: only ever an answer that could be computed again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gitmig.core.schema.facets import FacetKey, Schema, digest
from gitmig.facts.cache import SchemaCache
from gitmig.git.folder_tree import FolderTree
from gitmig.wire.values import Manifest
from tests.articles import EMAIL, article, findings
from tests.story import MODELS, USERNAME, Project, Result

ONE = Schema("sqlite", "2.1", {FacetKey("table", "user", "user"): "CREATE TABLE user"})
OTHER = Schema("sqlite", "2.1", {FacetKey("table", "order", "order"): "CREATE TABLE order"})


class TestStored:
    """What is kept under the private git directory."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "code").mkdir()
        (tmp_path / "code" / "models.py").write_text("one\n")
        return tmp_path

    def stored(self, folder: Path, schema: Schema = ONE, circumstances: str = "c") -> SchemaCache:
        cache = SchemaCache(folder / "cache")
        tree = FolderTree(folder / "code")
        manifest = Manifest(files={"models.py": str(tree.ids()["models.py"])})
        cache.store(schema, manifest, circumstances)
        return cache

    def found(self, folder: Path, circumstances: str = "c") -> Schema | None:
        return SchemaCache(folder / "cache").find(FolderTree(folder / "code"), circumstances, folder / "code")

    def test_found_again(self, folder: Path) -> None:
        cache = self.stored(folder)
        assert self.found(folder) == ONE
        assert cache.schema(digest(ONE)) == ONE
        assert cache.manifest(digest(ONE)) is not None

    def test_not_under_other_circumstances_or_with_other_files(self, folder: Path) -> None:
        self.stored(folder)
        assert self.found(folder, "d") is None
        (folder / "code" / "models.py").write_text("two\n")
        assert self.found(folder) is None

    @pytest.mark.parametrize(
        "damage",
        [
            "",
            "{",
            "[]",
            "null",
            '"text"',
            '{"dialect": 1}',
            '{"dialect": "a", "sqlalchemy": "b", "facets": [1]}',
            "\udcff",
        ],
    )
    @pytest.mark.parametrize("name", ["manifests.json", f"schema-{digest(ONE)}.json"])
    def test_damaged_counts_as_absent(self, folder: Path, name: str, damage: str) -> None:
        cache = self.stored(folder)
        (folder / "cache" / name).write_bytes(damage.encode("utf-8", "surrogateescape"))
        assert self.found(folder) is None
        self.stored(folder)
        assert self.found(folder) == ONE
        assert cache.schema("../manifests") is None

    def test_a_schema_under_a_false_name_counts_as_absent(self, folder: Path) -> None:
        cache = self.stored(folder)
        self.stored(folder, OTHER, "d")
        other = (folder / "cache" / f"schema-{digest(OTHER)}.json").read_bytes()
        (folder / "cache" / f"schema-{digest(ONE)}.json").write_bytes(other)
        assert cache.schema(digest(ONE)) is None
        assert self.found(folder) is None

    @pytest.mark.parametrize("entry", [1, {}, {"circumstances": "c", "schema": 1}, {"files": []}])
    def test_entries_of_another_make(self, folder: Path, entry: object) -> None:
        self.stored(folder)
        index = folder / "cache" / "manifests.json"
        kept = json.loads(index.read_text())
        kept["manifests"].insert(0, entry)
        index.write_text(json.dumps(kept))
        assert self.found(folder) == ONE

    def test_another_version_of_gitmig(self, folder: Path) -> None:
        self.stored(folder)
        index = folder / "cache" / "manifests.json"
        index.write_text(index.read_text().replace('"gitmig": "', '"gitmig": "0'))
        assert self.found(folder) is None

    def test_it_does_not_grow_for_ever(self, folder: Path) -> None:
        cache = SchemaCache(folder / "cache")
        for number in range(70):
            cache.store(ONE, Manifest(files={"models.py": str(number)}), "c")
        assert len(json.loads((folder / "cache" / "manifests.json").read_text())["manifests"]) == 64

    def test_where_it_cannot_be_written_nothing_happens(self, folder: Path) -> None:
        (folder / "cache").write_text("a file in the way")
        self.stored(folder)
        assert self.found(folder) is None


@pytest.fixture
def known(tmp_path: Path) -> Project:
    """A project whose schemas are all in the cache."""
    project = article(tmp_path).project
    project.gitmig("check", check=0)
    return project


def check(project: Project, **env: str | None) -> Result:
    """`gitmig check` on the work tree."""
    return project.gitmig("check", "--json", env=env)


class TestSeen:
    """Whatever decides the schema is seen."""

    def test_nothing_is_imported_where_nothing_changed(self, known: Project) -> None:
        trace = known.top.parent / "imports.txt"
        known.write("app/models.py", f"open({str(trace)!r}, 'a').write('once ')\n" + MODELS + USERNAME)
        for path in ("README.md", "app/elsewhere.py", "alembic/versions/note.txt"):
            assert check(known).exit_code == 0
            assert trace.read_text() == "once "
            known.write(path, "x = 1\n")

    def test_a_changed_mixin(self, known: Project) -> None:
        known.append(
            "app/database.py", "\n    from sqlalchemy import Column, Integer\n    nick = Column(Integer)\n"
        )
        assert findings(check(known).json) == ["GM001"]

    def test_a_new_module_that_shadows(self, known: Project) -> None:
        """The package wins over the module of the same name."""
        known.write("app/models/__init__.py", MODELS + USERNAME + EMAIL)
        assert findings(check(known).json) == ["GM001"]

    def test_env_py(self, known: Project) -> None:
        known.write(
            "alembic/env.py",
            known.read("alembic/env.py").replace(
                "target_metadata=target_metadata,",
                "target_metadata=target_metadata, include_object=lambda o, n, t, r, c: n != 'username',",
            ),
        )
        assert findings(check(known).json) == ["GM001"]

    def test_the_dialect_of_the_database_url(self, known: Project) -> None:
        """Not comparable with the record, which is SQLite's: both sides are computed."""
        text = MODELS.replace("primary_key=True", "primary_key=True, comment='mine'") + USERNAME
        known.write("app/models.py", text)
        assert check(known).exit_code == 0
        url = "postgresql+psycopg2://localhost/nowhere"
        answer = check(known, DATABASE_URL=url)
        assert answer.exit_code == 1
        assert answer.json["findings"][0]["details"] == ["+ comment of user.id 'mine'"]
        assert check(known).exit_code == 0

    def test_a_variable_that_the_models_read(self, known: Project) -> None:
        known.write(
            "app/models.py",
            "import os\n" + MODELS + USERNAME + "    if os.environ.get('MORE'):\n    " + EMAIL,
        )
        assert check(known).exit_code == 0
        assert findings(check(known, MORE="1").json) == ["GM001"]
        assert check(known).exit_code == 0

    @pytest.mark.parametrize("ignored", [True, False])
    def test_a_file_that_the_models_read(self, known: Project, ignored: bool) -> None:
        if ignored:
            known.append(".gitignore", "/columns.txt\n")
        known.write("columns.txt", "")
        reading = "    for name in open('columns.txt').read().split():\n"
        known.write(
            "app/models.py", MODELS + USERNAME + reading + "        locals()[name] = mapped_column(String)\n"
        )
        assert check(known).exit_code == 0
        known.write("columns.txt", "email")
        assert findings(check(known).json) == ["GM001"]

    @pytest.mark.parametrize("change", ["added", "removed", "changed"])
    def test_modules_found_by_pkgutil(self, known: Project, change: str) -> None:
        known.path("app/models.py").unlink()
        known.write("app/models/user.py", MODELS + USERNAME)
        known.write(
            "app/models/__init__.py",
            "import importlib\nimport pkgutil\n\n"
            "for module in pkgutil.iter_modules(__path__):\n"
            "    importlib.import_module(f'{__name__}.{module.name}')\n",
        )
        known.write("app/models/order.py", MODELS.replace("User", "Order").replace('"user"', '"order"'))
        known.write("pyproject.toml", '[tool.gitmig]\nmodels = ["app/models"]\n')
        known.gitmig("revise", "-m", "Orders", check=0)
        assert check(known).exit_code == 0
        changes: dict[str, Callable[[], object]] = {
            "added": lambda: known.write(
                "app/models/item.py", MODELS.replace("User", "Item").replace('"user"', '"item"')
            ),
            "removed": lambda: known.path("app/models/order.py").unlink(),
            "changed": lambda: known.append("app/models/order.py", USERNAME.replace(", index=True", "")),
        }
        changes[change]()
        (found,) = check(known).json["findings"]
        expected = {
            "added": "+ table item",
            "removed": "- table order",
            "changed": "+ order.username VARCHAR",
        }
        assert found["details"][0] == expected[change]

    def test_settings(self, known: Project) -> None:
        known.append("pyproject.toml", 'exclude = ["user"]\n')
        assert findings(check(known).json) == ["GM001"]

    def test_a_file_of_the_same_size_and_time(self, known: Project) -> None:
        known.write("app/models.py", MODELS + USERNAME + "    # a comment that will be a column!!!\n")
        assert check(known).exit_code == 0
        known.write("app/models.py", MODELS + USERNAME + "    column: Mapped[int | None]           \n")
        assert findings(check(known).json) == ["GM001"]


def test_damaged_while_in_use(known: Project) -> None:
    for path in known.path(".git/gitmig/cache").iterdir():
        path.write_bytes(path.read_bytes()[:40])
    assert check(known).exit_code == 0
    known.gitmig("rollback", check=0)
    assert known.read("app/models.py") == MODELS

"""Where the project's modules come from."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worker.driver import ENV, FILES, INI, MODELS, Project, WorkerError, models

DISCOVER = """\
import importlib
import pkgutil
from app.base import Base

for found in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{found.name}")
"""
BASE = "from sqlalchemy.orm import DeclarativeBase\n\n\nclass Base(DeclarativeBase):\n    pass\n"


def table(name: str) -> str:
    """A module with one table of ``app.base``."""
    return (
        "from sqlalchemy import Column, Integer, Table\nfrom app.base import Base\n"
        f"{name} = Table({name!r}, Base.metadata, Column('id', Integer, primary_key=True))\n"
    )


def test_open_says_where_the_checkout_is(project: Project) -> None:
    child = project.start()
    assert child.opened == {"top": str(project.top)}
    assert child.close() == 0


@pytest.mark.parametrize(
    ("module", "version", "message"),
    [
        ("alembic", "1.10.4", "alembic 1.10.4 is too old: gitmig needs 1.11 or later"),
        ("sqlalchemy", "1.4.52", "sqlalchemy 1.4.52 is too old: gitmig needs 2.0 or later"),
    ],
)
def test_versions_that_are_too_old(
    project: Project, tmp_path: Path, module: str, version: str, message: str
) -> None:
    for name in ("alembic/config.py", "alembic/context.py", "sqlalchemy/orm.py"):
        (tmp_path / "old" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "old" / name).touch()
    for name in ("alembic", "sqlalchemy"):
        init = tmp_path / "old" / name / "__init__.py"
        init.write_text(f"__version__ = {version if name == module else '2.0'!r}\n")
    with pytest.raises(WorkerError) as caught:
        project.start(env={"PYTHONPATH": str(tmp_path / "old")})
    assert (caught.value.kind, caught.value.message) == ("version", message)


def test_alembic_that_is_not_installed(project: Project, tmp_path: Path) -> None:
    (tmp_path / "alembic.py").write_text("raise ModuleNotFoundError('no', name='alembic')")
    with pytest.raises(WorkerError) as caught:
        project.start(env={"PYTHONPATH": str(tmp_path)})
    assert (caught.value.kind, caught.value.message) == ("version", f"{sys.executable} cannot import alembic")


def test_the_tree_is_imported_and_not_the_work_tree(project: Project) -> None:
    project.write({"app/models.py": "raise RuntimeError('work tree')"})
    assert project.start({**FILES, "app/models.py": models("account")}).tables() == ["account"]


def test_the_work_tree_may_be_empty(bare: Project) -> None:
    assert bare.start(FILES).tables() == ["user"]


def test_the_disk_is_imported_without_a_tree(project: Project) -> None:
    project.write({"app/models.py": models("account")})
    assert project.start().tables() == ["account"]


@pytest.mark.parametrize(
    "entry", ["os.getcwd()", "''", "os.path.abspath('.')", "os.path.join(os.getcwd(), 'app', '..')"]
)
def test_env_py_that_puts_the_checkout_on_the_path(project: Project, entry: str) -> None:
    project.write({"app/models.py": "raise RuntimeError('work tree')"})
    tree = {
        **FILES,
        "alembic.ini": INI.replace("prepend_sys_path = .\n", ""),
        "alembic/env.py": f"import os, sys; sys.path.insert(0, {entry})\n" + ENV,
    }
    assert project.start(tree).tables() == ["user"]


def test_env_py_that_puts_its_own_parent_on_the_path(project: Project) -> None:
    project.write({"app/models.py": "raise RuntimeError('work tree')"})
    ini = INI.replace("prepend_sys_path = .\n", "")
    env = "import sys, pathlib; sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))\n" + ENV
    assert project.start({**FILES, "alembic.ini": ini, "alembic/env.py": env}).tables() == ["user"]


@pytest.mark.parametrize("from_tree", [True, False])
def test_a_src_layout(bare: Project, from_tree: bool) -> None:
    files = {name.replace("app/", "src/app/"): text for name, text in FILES.items()}
    files["alembic.ini"] = INI.replace("prepend_sys_path = .", "prepend_sys_path = src")
    if not from_tree:
        bare.write(files)
    assert bare.start(files if from_tree else None).tables() == ["user"]


def test_an_editable_install_by_path(bare: Project) -> None:
    files = {name.replace("app/", "src/app/"): text for name, text in FILES.items()}
    bare.write({"src/app/__init__.py": "", "src/app/models.py": "raise RuntimeError('work tree')"})
    # What a .pth file does: the folder of the checkout is on sys.path from the start.
    assert bare.start(files, env={"PYTHONPATH": str(bare.top / "src")}).tables() == ["user"]


EDITABLE_FINDER = """\
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location


class _EditableFinder:  # as setuptools writes it
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname == "app":
            return spec_from_file_location(fullname, {top!r} + "/lib/app/__init__.py")
        return None


sys.meta_path.{add}
"""


@pytest.mark.parametrize("add", ["append(_EditableFinder)", "insert(0, _EditableFinder)"])
def test_an_editable_install_by_finder(bare: Project, tmp_path: Path, add: str) -> None:
    files = {name.replace("app/", "lib/app/"): text for name, text in FILES.items()}
    bare.write({"lib/app/__init__.py": "raise RuntimeError('work tree')"})
    (tmp_path / "sitecustomize.py").write_text(EDITABLE_FINDER.format(top=str(bare.top), add=add))
    child = bare.start(files, env={"PYTHONPATH": str(tmp_path)})
    assert child.tables() == ["user"]


def test_a_namespace_package_with_portions_inside_and_outside(bare: Project, tmp_path: Path) -> None:
    (tmp_path / "elsewhere/company/shared").mkdir(parents=True)
    (tmp_path / "elsewhere/company/shared/__init__.py").write_text("NAME = 'elsewhere'\n")
    files = {name.replace("app/", "company/app/"): text for name, text in FILES.items()}
    files["alembic/env.py"] = ENV.replace("from app", "from company.shared import NAME\nfrom company.app")
    child = bare.start(files, env={"PYTHONPATH": str(tmp_path / "elsewhere")})
    assert child.tables() == ["user"]


def test_packages_without_init_files(bare: Project) -> None:
    files = {name: text for name, text in FILES.items() if name != "app/__init__.py"}
    assert bare.start(files).tables() == ["user"]


def test_a_folder_named_alembic_shadows_nothing(project: Project) -> None:
    project.write({"alembic/op.py": "raise RuntimeError('shadowed')"})
    project.write({"alembic/env.py": "import alembic.op, alembic.autogenerate\n" + ENV})
    assert project.start().tables() == ["user"]


def test_a_module_of_the_project_does_not_disturb_the_worker(project: Project) -> None:
    project.write(
        {name: "raise RuntimeError('shadowed')" for name in ("contextlib.py", "json.py", "base64.py")}
    )
    project.write({"types/__init__.py": "", "typing.py": "raise RuntimeError('shadowed')"})
    assert project.start().tables() == ["user"]


def test_a_module_of_the_project_goes_before_the_standard_library(project: Project) -> None:
    project.write({"colorsys.py": "NAME = 'mine'", "app/models.py": "from colorsys import NAME\n" + MODELS})
    answer = project.start().schema()
    assert answer["manifest"]["lookups"]["colorsys"] == "m"


def test_modules_found_by_listing_are_those_of_the_tree(bare: Project) -> None:
    bare.write({"app/models/__init__.py": "", "app/models/local.py": "raise RuntimeError('work tree')"})
    files = {
        **FILES,
        "app/base.py": BASE,
        "app/models/__init__.py": DISCOVER,
        "app/models/one.py": table("one"),
        "app/models/deep/__init__.py": "from . import two",
        "app/models/deep/two.py": table("two"),
    }
    del files["app/models.py"]
    answer = bare.start(files).schema()
    assert [facet[1] for facet in answer["facets"] if facet[0] == "table"] == ["one", "two"]
    assert answer["manifest"]["listings"] == {
        "app/models": "__init__.py\ndeep/\none.py",
        "app/models/deep": "__init__.py\ntwo.py",
    }


def test_listings_of_importlib_itself_are_not_recorded(project: Project) -> None:
    assert project.start().schema()["manifest"]["listings"] == {}


def test_the_manifest(project: Project) -> None:
    project.write(
        {
            "app/models.py": "try:\n    from app import local\nexcept ImportError:\n    pass\n"
            "try:\n    open('app/optional.txt')\nexcept OSError:\n    pass\n"
            "import pathlib\npathlib.Path(__file__).with_name('words.txt').read_text()\n" + MODELS,
            "app/words.txt": "a b",
        }
    )
    manifest = project.start().schema()["manifest"]
    assert manifest["files"] == [
        "alembic.ini",
        "alembic/env.py",
        "app/__init__.py",
        "app/models.py",
        "app/optional.txt",
        "app/words.txt",
    ]
    assert manifest["lookups"]["app"] == "dp"
    assert manifest["lookups"]["app/models"] == "m"
    assert manifest["lookups"]["app/local"] == ""
    assert manifest["complete"]


def test_the_manifest_is_the_same_from_the_disk_and_from_a_tree(project: Project) -> None:
    assert project.start().schema()["manifest"] == project.start(FILES).schema()["manifest"]


def test_files_beside_the_code_are_written_too(bare: Project) -> None:
    read = (
        "import importlib.resources, os\n"
        "here = os.path.dirname(__file__)\n"
        "assert open(os.path.join(here, 'names.sql')).read() == 'beside'\n"
        "assert os.path.exists(os.path.join(here, 'data', 'deep', 'more.sql'))\n"
        "assert importlib.resources.files('app').joinpath('data/deep/more.sql').read_text() == 'deep'\n"
        "assert open(os.path.join(here, '..', 'other', 'far.txt')).read() == 'far'\n"
    )
    extra = {
        "app/names.sql": "beside",
        "app/data/deep/more.sql": "deep",
        "other/far.txt": "far",
        "other/x.py": "",
    }
    answer = bare.start({**FILES, **extra, "app/models.py": read + MODELS}).schema()
    assert {"app/names.sql", "app/data/deep/more.sql", "other/far.txt"} <= set(answer["manifest"]["files"])


IGNORED = "from app._version import VERSION\n" + MODELS


def test_an_ignored_module_is_taken_from_the_checkout(project: Project) -> None:
    project.write({"app/_version.py": "VERSION = 1"})
    tree = {**FILES, "app/models.py": IGNORED}
    manifest = project.start(tree, linked=["app/_version.py"]).schema()["manifest"]
    assert "app/_version.py" in manifest["files"]


def test_an_ignored_package_is_taken_from_the_checkout(project: Project) -> None:
    project.write({"generated/__init__.py": "", "generated/api.py": "NAME = 1"})
    tree = {**FILES, "app/models.py": "from generated.api import NAME\n" + MODELS}
    manifest = project.start(tree, linked=["generated"]).schema()["manifest"]
    assert {"generated/__init__.py", "generated/api.py"} <= set(manifest["files"])


def test_an_untracked_module_is_not_imported_and_named(project: Project) -> None:
    project.write({"app/_version.py": "VERSION = 1"})
    with pytest.raises(WorkerError) as caught:
        project.start({**FILES, "app/models.py": IGNORED}).schema()
    assert caught.value.message == "ModuleNotFoundError: No module named 'app._version'"
    assert caught.value.detail is not None
    assert caught.value.detail.splitlines()[-2:] == [
        '  File "app/models.py", line 1, in <module>',
        "    from app._version import VERSION",
    ]
    assert caught.value.error["missing"] == ["app/_version.py"]


def test_a_module_loaded_from_the_work_tree_by_its_path(project: Project) -> None:
    code = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('sneaky', {str(project.top / 'app/sneaky.py')!r})\n"
        "sys.modules['sneaky'] = module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
    )
    project.write({"app/sneaky.py": ""})
    with pytest.raises(WorkerError, match=r"work-tree: app/sneaky\.py is read from the work tree"):
        project.start({**FILES, "app/models.py": code + MODELS}).schema()
    same = {**FILES, "app/models.py": code + MODELS, "app/sneaky.py": ""}
    assert project.start(same).tables() == ["user"]


READS = """\
import os, sqlite3, subprocess, sys
from pathlib import Path

here = Path(__file__).parent
{code}
from sqlalchemy import Column, Integer
"""


def reading(code: str, table: str = "user") -> str:
    """Models that run some code first, and whose table is called ``name`` if it sets that."""
    return READS.format(code=code) + MODELS.replace('"user"', f'globals().get("name", {table!r})')


@pytest.mark.parametrize("place", ["{top}/app/name.txt", "{top}/link.txt"])
def test_a_file_read_by_its_whole_path_has_to_be_the_same(project: Project, place: str) -> None:
    project.write({"app/name.txt": "account"})
    (project.top / "link.txt").symlink_to(project.top / "app/name.txt")
    code = reading(f"name = Path({place.format(top=project.top)!r}).read_text()")
    with pytest.raises(WorkerError) as caught:
        project.start({**FILES, "app/models.py": code, "app/name.txt": "user"}).schema()
    assert caught.value.kind == "work-tree"
    assert caught.value.message == (
        "app/name.txt is read from the work tree, which has another one than what is judged"
    )
    with pytest.raises(WorkerError, match=r"app/name\.txt is read from the work tree"):
        project.start({**FILES, "app/models.py": code}).schema()
    same = project.start({**FILES, "app/models.py": code, "app/name.txt": "account"})
    assert same.tables() == ["account"]


def test_a_folder_listed_by_its_whole_path_has_to_be_the_same(project: Project) -> None:
    project.write({"names/account.txt": ""})
    code = reading(f"name = os.listdir({str(project.top / 'names')!r})[0].partition('.')[0]")
    with pytest.raises(WorkerError, match="names is read from the work tree"):
        project.start({**FILES, "app/models.py": code, "names/user.txt": ""}).schema()
    same = project.start({**FILES, "app/models.py": code, "names/account.txt": ""})
    assert same.tables() == ["account"]


def test_an_ignored_file_may_be_read_by_its_whole_path(project: Project) -> None:
    project.write({".env": "account"})
    code = reading(f"name = Path({str(project.top / '.env')!r}).read_text()")
    child = project.start({**FILES, "app/models.py": code}, linked=[".env"])
    assert child.tables() == ["account"]


@pytest.mark.parametrize("value", ["{top}", "{top}/", "/nowhere:{top}"])
def test_a_variable_that_names_the_checkout_names_the_tree(project: Project, value: str) -> None:
    project.write({"app/name.txt": "account"})
    code = reading("name = Path(os.environ['HERE'].split(':')[-1], 'app/name.txt').read_text()")
    tree = {**FILES, "app/models.py": code, "app/name.txt": "user"}
    child = project.start(tree, env={"HERE": value.format(top=project.top)})
    assert child.tables() == ["user"]


def test_a_variable_that_names_what_the_tree_does_not_have_stays(project: Project) -> None:
    (project.top / "uploads").mkdir()
    code = reading("assert Path(os.environ['UPLOADS']).is_dir()")
    url = f"sqlite:///{project.top}/app.db"
    code += f"\nassert os.environ['URL'] == {url!r}\n"
    env = {"UPLOADS": str(project.top / "uploads"), "URL": url}
    assert project.start({**FILES, "app/models.py": code}, env=env).tables() == ["user"]


def test_the_manifest_has_files_by_where_they_were(project: Project) -> None:
    code = reading("open('x.txt').close()\nos.chdir('app')\nopen('x.txt').close()")
    project.write({"app/models.py": code, "x.txt": "", "app/x.txt": ""})
    manifest = project.start().schema()["manifest"]
    assert {"x.txt", "app/x.txt"} <= set(manifest["files"])


@pytest.mark.parametrize("name", ["here / 'x.db'", "'file:app/x.db?mode=ro', uri=True"])
def test_the_manifest_has_sqlite_files(project: Project, name: str) -> None:
    project.write({"app/models.py": reading(f"sqlite3.connect({name}).close()\nsqlite3.connect(':memory:')")})
    sqlite3.connect(project.top / "app/x.db").close()
    manifest = project.start().schema()["manifest"]
    assert "app/x.db" in manifest["files"]
    assert not any("memory" in path for path in manifest["files"])


@pytest.mark.parametrize(
    ("code", "complete"),
    [
        ("subprocess.run(['cat', 'x'])", False),
        ("subprocess.run([sys.executable, '-c', 'pass'])", False),
        ("os.system('cat x')", False),
        ("os.popen('git describe && cat x').close()", False),
        ("subprocess.run(['git', 'show', ':x'])", False),
        ("os._exit(0) if os.fork() == 0 else os.wait()", False),
        ("subprocess.run(['git', '-C', '.', 'rev-parse', 'HEAD'])", True),
        ("os.popen('git describe --tags').close()", True),
        ("from ctypes.util import find_library", True),
    ],
)
def test_what_other_processes_read_is_not_in_the_manifest(
    project: Project, code: str, complete: bool
) -> None:
    project.write({"app/models.py": reading(code)})
    assert project.start().schema()["manifest"]["complete"] is complete


def test_no_bytecode_is_written(project: Project) -> None:
    project.start().schema()
    assert list(project.top.rglob("__pycache__")) == []


def test_stale_bytecode_is_not_read(project: Project) -> None:
    path = project.top / "app/models.py"
    then = path.stat().st_mtime
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(project.top)], check=True)
    project.write({"app/models.py": models("sure")})  # of the same size, within the same second
    os.utime(path, (then, then))
    assert project.start().tables() == ["sure"]


def test_bytecode_is_believed_if_no_edit_can_have_gone_unnoticed(project: Project) -> None:
    path = project.top / "app/models.py"
    then = path.stat().st_mtime - 10
    project.write({"app/models.py": models("sure")})
    os.utime(path, (then, then))
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(project.top)], check=True)
    # As nobody edits a file: with its size and its time kept.
    project.write({"app/models.py": models("user")})
    os.utime(path, (then, then))
    assert project.start().tables() == ["sure"]


def test_nothing_is_left_behind(bare: Project, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    child = bare.start(FILES, env={"TMPDIR": str(temporary)})
    child.schema()
    assert child.close() == 0
    assert list(temporary.iterdir()) == []
    assert list(bare.top.iterdir()) == []


def test_a_virtual_environment_in_the_project_is_not_the_project(project: Project) -> None:
    project.write(
        {
            "venv/pyvenv.cfg": "",
            "venv/lib/tool/__init__.py": "",
            "vendored/site-packages/thing.py": "",
            "alembic.ini": INI.replace(
                "prepend_sys_path = .", "prepend_sys_path = .:venv/lib:vendored/site-packages"
            ),
            "app/models.py": "import tool, thing\n" + MODELS,
        }
    )
    tree = {**FILES, **{name: (project.top / name).read_text() for name in ("alembic.ini", "app/models.py")}}
    manifest = project.start(tree, linked=["venv", "vendored"]).schema()["manifest"]
    assert [name for name in manifest["files"] if name.startswith("v")] == []
    assert [name for name in manifest["lookups"] if name.startswith("v")] == []


def test_sources_name_the_file_whose_code_made_the_table(bare: Project) -> None:
    files = {
        **FILES,
        "app/base.py": "class Meta(type(__import__('sqlalchemy.orm').orm.DeclarativeBase)):\n"
        "    def __init__(cls, name, bases, namespace, **kw):\n"
        "        super().__init__(name, bases, namespace, **kw)\n"
        + BASE.replace("Base)", "Base, metaclass=Meta)"),
        "app/helper.py": "from sqlalchemy import Column, Integer, Table\nfrom app.base import Base\n"
        "def make(name):\n    return Table(name, Base.metadata, Column('id', Integer))\n",
        "app/models.py": "from app.base import Base\nfrom app.user import User\n"
        "from app.helper import make\nmake('made')\n",
        "app/user.py": "from app.base import Base\n"
        "from sqlalchemy.orm import mapped_column\nfrom sqlalchemy import Integer\n"
        "class User(Base):\n    __tablename__ = 'user'\n    id = mapped_column(Integer, primary_key=True)\n",
    }
    answer = bare.start(files).schema()
    assert answer["sources"] == {"made": "app/models.py", "user": "app/user.py"}


@pytest.mark.parametrize("url", ["sqlite:///{here}/app.db", "sqlite:///file:{here}/app.db?mode=rw&uri=true"])
def test_a_database_beside_a_module_is_that_of_the_checkout(bare: Project, url: str) -> None:
    sqlite3.connect(bare.top / "app.db").execute("CREATE TABLE mine (id INTEGER)").connection.close()
    here = "pathlib.Path(__file__).resolve().parents[1]"
    env = (
        "import pathlib\nfrom alembic import context\nfrom sqlalchemy import create_engine\n"
        f"engine = create_engine({url!r}.format(here={here}))\n"
        "with engine.connect() as connection:\n"
        "    context.configure(connection=connection)\n    context.run_migrations()\n"
    )
    answer = bare.start({**FILES, "alembic/env.py": env}).request("heads")
    assert (answer["exists"], answer["tables"]) == (True, 1)
    assert str(bare.top) in answer["database"]

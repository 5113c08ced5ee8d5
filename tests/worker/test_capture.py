"""What env.py, in more shapes than tests/projects has, or the settings say the target is."""

from __future__ import annotations

from pathlib import Path

import alembic
import pytest

from tests.worker.driver import ENV, FILES, INI, MODELS, Project, WorkerError

TEMPLATES = Path(alembic.__file__).parent / "templates"
ONLINE = """\
from alembic import context
from sqlalchemy import create_engine
from app.models import Base

with create_engine("sqlite:///app.db").connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
"""
LINE_1 = 'File "alembic/env.py", line 1, in <module>'
SHAPES = {
    "exits at the end": ENV + "\nraise SystemExit(0)\n",
    "reads its input": "import sys; assert sys.stdin.read() == ''\n" + ENV,
    "closes its output": "import sys; sys.stdout.close()\n" + ENV,
    "online only": ONLINE,
    "offline without metadata": ENV.replace(", target_metadata=Base.metadata", "").replace(
        'raise SystemExit("offline only")', ONLINE.replace("\n", "\n    ")
    ),
    "creates all": ENV.replace(
        "if context.is",
        "from sqlalchemy import create_engine\n"
        "Base.metadata.create_all(create_engine('sqlite:///app.db'))\nif context.is",
    ),
    "the same for each tenant": ENV.replace(
        "    with context",
        "    context.configure(dialect_name='sqlite', target_metadata=Base.metadata)\n    with context",
    ),
    "asks for the head": ENV.replace("if context.is", "context.get_head_revisions()\nif context.is"),
    "asks for the context": ENV.replace("context.run", "context.get_context().opts\n        context.run"),
    "executes": ENV.replace("context.run", "context.execute('SET x = 1')\n        context.run"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_env_py(project: Project, shape: str) -> None:
    project.write({"alembic/env.py": SHAPES[shape]})
    before = sorted(project.top.rglob("*"))
    answer = project.start().schema()
    assert [facet[1] for facet in answer["facets"] if facet[0] == "table"] == ["user"]
    assert (answer["dialect"], answer["metadata_from"]) == ("sqlite", "env.py")
    assert sorted(project.top.rglob("*")) == before


@pytest.mark.parametrize("template", ["generic", "async", "pyproject", "pyproject_async"])
def test_the_templates_of_alembic(project: Project, template: str) -> None:
    folder = TEMPLATES / template
    if not folder.exists():
        pytest.skip(f"not run: this Alembic has no template {template}")
    env = (folder / "env.py").read_text()
    ini = INI
    for section, key in (("loggers", "root"), ("handlers", "console"), ("formatters", "generic")):
        ini += f"[{section}]\nkeys = {key}\n"
    ini += "[logger_root]\nlevel = WARNING\nhandlers = console\n[formatter_generic]\nformat = %(message)s\n"
    ini += "[handler_console]\nclass = StreamHandler\nargs = (sys.stderr,)\n"
    project.write(
        {
            "alembic/env.py": env.replace(
                "target_metadata = None", "from app.models import Base\ntarget_metadata = Base.metadata"
            ),
            "alembic.ini": ini,
        }
    )
    assert project.start().tables() == ["user"]


def test_multidb(project: Project) -> None:
    env = (TEMPLATES / "multidb" / "env.py").read_text()
    ini = (TEMPLATES / "multidb" / "alembic.ini.mako").read_text()
    ini = ini[ini.index("[loggers]") :]
    ini = (
        INI
        + "databases = one, two\n[one]\nsqlalchemy.url = sqlite:///one.db\n[two]\nsqlalchemy.url = sqlite:///two.db\n"
        + ini
    )
    project.write(
        {
            "alembic.ini": ini,
            "one.sql": "mine",
            "alembic/env.py": env.replace(
                "target_metadata = {}",
                "from app.models import Base\nfrom sqlalchemy import MetaData, Table, Column, Integer\n"
                "other = MetaData()\nTable('user', other, Column('id', Integer))\n"
                "target_metadata = {'one': Base.metadata, 'two': other}",
            ),
        }
    )
    answer = project.start().schema()
    assert [facet[1] for facet in answer["facets"] if facet[0] == "table"] == ["two:user", "user"]
    assert (project.top / "one.sql").read_text() == "mine"
    assert not (project.top / "two.sql").exists()


def test_filters_of_env_py(project: Project) -> None:
    env = ENV.replace(
        "target_metadata=Base.metadata",
        "target_metadata=Base.metadata, "
        "include_object=lambda item, name, kind, reflected, other: not name.startswith('view_'), "
        "include_name=lambda name, kind, parents: name != 'secret'",
    )
    more = "".join(
        f"class M{number}(Base):\n    __tablename__ = {name!r}\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        for number, name in enumerate(["view_users", "secret", "archive_1", "alembic_version"])
    )
    more += "    secret: Mapped[int]\n"
    project.write({"alembic/env.py": env, "app/models.py": MODELS + more.replace("alembic_version", "kept")})
    facets = project.start(exclude=["archive_*"]).schema()["facets"]
    assert [facet[1] for facet in facets if facet[0] == "table"] == ["kept", "user"]
    assert [facet[2] for facet in facets if facet[:2] == ["column", "kept"]] == ["id"]


def test_metadata_from_the_settings(project: Project) -> None:
    project.write({"alembic/env.py": "raise RuntimeError('not run')"})
    for name in ("app.models:Base.metadata", "app.models:Base"):
        answer = project.start(metadata=name, dialect="postgresql").schema()
        assert (answer["dialect"], answer["metadata_from"]) == ("postgresql", "settings")
        assert ["column", "user", "id", "SERIAL NOT NULL"] in answer["facets"]
        assert answer["versions"] == ["alembic/versions"]


def test_metadata_from_the_settings_without_alembic(bare: Project) -> None:
    bare.write({"app/models.py": MODELS})
    answer = bare.start(ini=None, metadata="app.models:Base.metadata", dialect="mysql").schema()
    assert answer["dialect"] == "mysql"
    assert answer["versions"] == []


def test_the_dialect_of_the_settings_stands_in_for_a_missing_url(project: Project) -> None:
    project.write({"alembic.ini": INI.replace("sqlalchemy.url", "# sqlalchemy.url")})
    assert project.start(dialect="postgresql").schema()["dialect"] == "postgresql"


def test_the_dialect_of_the_settings_stands_in_for_the_url_of_the_template(project: Project) -> None:
    ini = INI.replace("sqlite:///%(here)s/app.db", "driver://user:pass@localhost/dbname")
    project.write({"alembic.ini": ini})
    assert project.start(dialect="postgresql").schema()["dialect"] == "postgresql"
    project.write({"alembic.ini": ini.replace("driver:", "mysql+pymysql:")})
    assert project.start(dialect="postgresql").schema()["dialect"] == "mysql"


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"metadata": "app.models:User"}, None, None),
        (
            {"metadata": "app.models:nothing"},
            "project-code",
            "AttributeError: module 'app.models' has no attribute 'nothing'",
        ),
        ({"metadata": "app.nothing:x"}, "project-code", "ModuleNotFoundError: No module named 'app.nothing'"),
        ({"metadata": "app.models:__name__"}, "no-metadata", "app.models:__name__ is no MetaData"),
        ({"metadata": "app.models:Base", "dialect": "nodb"}, "no-configuration", "no such dialect: nodb"),
    ],
)
def test_settings_that_lead_nowhere(
    project: Project, options: dict[str, str], kind: str | None, message: str | None
) -> None:
    child = project.start(metadata=options["metadata"], dialect=options.get("dialect", "sqlite"))
    if kind is None:
        assert child.tables() == ["user"]
        return
    with pytest.raises(WorkerError) as caught:
        child.schema()
    assert (caught.value.kind, caught.value.message) == (kind, message)


def test_metadata_without_a_dialect(bare: Project) -> None:
    bare.write({"app/models.py": MODELS})
    with pytest.raises(WorkerError, match="the setting `metadata` needs `dialect` beside it"):
        bare.start(ini=None, metadata="app.models:Base.metadata").schema()


@pytest.mark.parametrize(
    ("env", "message", "frames"),
    [
        ("import nope\n", "ModuleNotFoundError: No module named 'nope'", [LINE_1, "import nope"]),
        ("raise SystemExit(3)\n", "SystemExit: 3", [LINE_1, "raise SystemExit(3)"]),
        ("def f(:\n", "SyntaxError: ", ['File "alembic/env.py", line 1', "def f(:"]),
        ("raise ValueError()\n", "ValueError", [LINE_1, "raise ValueError()"]),
        (
            "raise ValueError('postgresql://ada:s3cret@db/x?password=s3cret failed')\n",
            "ValueError: postgresql://ada:***@db/x?password=*** failed",
            None,
        ),
        ("import os\nos.environ['DATABASE_URL']\n", "KeyError: 'DATABASE_URL'", None),
    ],
)
def test_errors_of_the_project(project: Project, env: str, message: str, frames: list[str] | None) -> None:
    project.write({"alembic/env.py": env})
    child = project.start()
    with pytest.raises(WorkerError) as caught:
        child.schema()
    assert caught.value.kind == "project-code"
    assert caught.value.message.startswith(message)
    assert "s3cret" not in str(caught.value.error)
    if frames is not None:
        assert [line.strip() for line in (caught.value.detail or "").splitlines()] == frames
    assert child.close() == 0


def test_the_traceback_holds_the_frames_of_the_project_alone(project: Project) -> None:
    project.write({"app/models.py": "import json\ndef load():\n    json.loads('{')\n\n\nload()\n"})
    with pytest.raises(WorkerError) as caught:
        project.start(FILES | {"app/models.py": (project.top / "app/models.py").read_text()}).schema()
    assert caught.value.detail == (
        '  File "alembic/env.py", line 2, in <module>\n    from app.models import Base\n'
        '  File "app/models.py", line 6, in <module>\n    load()\n'
        "  File \"app/models.py\", line 3, in load\n    json.loads('{')"
    )


def test_an_error_that_the_missing_database_may_explain(project: Project) -> None:
    code = "from sqlalchemy import create_engine, text\n"
    code += "assert create_engine('sqlite://').connect().scalar(text('select 1')) == 1\n"
    project.write({"app/models.py": code + MODELS})
    with pytest.raises(WorkerError) as caught:
        project.start().schema()
    assert caught.value.kind == "project-code"
    assert caught.value.error["connected"] is True


def test_env_py_without_metadata(project: Project) -> None:
    project.write(
        {"alembic/env.py": "from alembic import context\ncontext.configure(dialect_name='sqlite')\n"}
    )
    with pytest.raises(WorkerError) as caught:
        project.start().schema()
    assert caught.value.kind == "no-metadata"


def test_a_driver_that_is_not_installed(project: Project) -> None:
    project.write({"alembic.ini": INI.replace("sqlite:///%(here)s/app.db", "oracle://h/x")})
    assert project.start().schema()["dialect"] == "oracle"


def test_the_listeners_of_the_metadata_are_not_run(project: Project) -> None:
    listener = (
        "from sqlalchemy import event\nevent.listen(Base.metadata, 'before_create', lambda *a, **k: 1 / 0)\n"
    )
    project.write({"app/models.py": MODELS + listener})
    assert project.start().tables() == ["user"]

"""Engines that models make at import: they are SQLAlchemy's own, whatever arguments they take."""

from __future__ import annotations

import inspect
from importlib.machinery import FileFinder, SourceFileLoader

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from gitmig.worker.importing.finder import Importing, ProjectFinder
from gitmig.worker.importing.no_database import without_database
from gitmig.worker.importing.places import Places
from tests.support.lanes import by_day
from tests.worker.driver import ENV, FILES, MODELS, Project, WorkerError

ARGUMENTS = {
    "echo": "True",
    "echo_pool": "True",
    "hide_parameters": "True",
    "logging_name": "'mine'",
    "pool_logging_name": "'pool'",
    "execution_options": "{'a': 1}",
    "query_cache_size": "10",
    "label_length": "30",
    "max_identifier_length": "40",
    "isolation_level": "'SERIALIZABLE'",
    "paramstyle": "'named'",
    "insertmanyvalues_page_size": "5",
    "use_insertmanyvalues": "True",
    "skip_autocommit_rollback": "True",
    "pool_pre_ping": "True",
    "pool_recycle": "5",
    "pool_reset_on_return": "None",
    "pool_use_lifo": "True",
    "pool_size": "3",
    "max_overflow": "3",
    "pool_timeout": "3",
    "poolclass": "sqlalchemy.pool.NullPool",
    "pool_events": "[]",
    "connect_args": "{'timeout': 3}",
    "json_serializer": "str",
    "json_deserializer": "str",
    "plugins": "[]",
    "enable_from_linting": "False",
    "future": "True",
    "module": "sqlite3",
    "creator": "lambda: sqlite3.connect(':memory:')",
}
URL = "'sqlite:///app.db'"
WAYS = {
    **{name: f"sqlalchemy.create_engine({URL}, {name}={value})" for name, value in ARGUMENTS.items()},
    "a pool's class and size": f"sqlalchemy.create_engine({URL}, poolclass=QueuePool, pool_size=1)",
    "a pool": f"sqlalchemy.create_engine({URL}, pool=sqlalchemy.pool.StaticPool(lambda: None))",
    "engine_from_config": f"sqlalchemy.engine_from_config({{'sqlalchemy.url': {URL}, 'sqlalchemy.echo': 1}})",
    "create_pool_from_url": f"sqlalchemy.create_pool_from_url({URL}, pool_size=3)",
    "create_async_engine": "create_async_engine('sqlite+aiosqlite:///app.db', echo=True)",
    "async_engine_from_config": "async_engine_from_config({'sqlalchemy.url': 'sqlite+aiosqlite:///app.db'})",
    "asyncpg": "create_async_engine('postgresql+asyncpg://a:b@nowhere/c', pool_size=3)",
    "psycopg2": "sqlalchemy.create_engine('postgresql+psycopg2://a:b@c/d', executemany_mode='values_only')",
    "a subclass": "type('Mine', (sqlalchemy.Engine,), {})",
    "mock": f"sqlalchemy.create_mock_engine({URL}, executor=print)",
    "a class of connections": "sqlalchemy.event.listen(sqlalchemy.Engine, 'connect', print)",
    "listeners on pools": "sqlalchemy.event.listen(sqlalchemy.pool.Pool, 'checkout', print)",
    "a listener that connects": "sqlalchemy.event.listen(sqlalchemy.Engine, 'do_connect', print)",
}
IMPORTS = """\
import sqlite3, sqlalchemy, sqlalchemy.pool
from sqlalchemy.pool import QueuePool
from sqlalchemy.ext.asyncio import async_engine_from_config, create_async_engine
"""


@pytest.mark.parametrize("way", by_day(WAYS, number=0, of=2))
def test_every_way_to_make_an_engine(project: Project, way: str) -> None:
    code = f"{IMPORTS}engine = {WAYS[way]}\n"
    try:
        exec(code.replace("print", "lambda *args, **kw: None"), {})
    except (TypeError, NameError) as error:
        pytest.skip(f"SQLAlchemy itself does not know this one: {error}")
    project.write({"app/models.py": code + MODELS})
    assert project.start().tables() == ["user"]
    files = {**FILES, "app/models.py": code + MODELS}
    assert project.start(files).tables() == ["user"]


CONNECTED = """\
import inspect, pickle
from sqlalchemy import Connection, Engine, create_engine, func, select, text
from sqlalchemy.orm import Session

engine = create_engine("{url}")
assert type(engine) is Engine
with engine.connect() as connection:
    assert type(connection) is Connection
    assert connection.execute(text("select 1")).fetchall() == []
    assert connection.scalar(select(func.now())) is None
    connection.execute(text("set x = :x"), [{{"x": 1}}, {{"x": 2}}])
    connection.commit()
with engine.begin() as connection, connection.begin_nested():
    assert connection.in_transaction()
with Session(engine) as session:
    assert session.execute(text("select a, b from c")).first() is None
    session.commit()
raw = engine.raw_connection()
raw.cursor().execute("select 1")
assert raw.cursor().fetchall() == []
raw.close()
"""


@pytest.mark.parametrize(
    "url", ["sqlite:///app.db", "postgresql+psycopg2://u:p@nowhere/d", "mysql+pymysql://nowhere/d"]
)
def test_connections_are_sqlalchemys_own_and_lead_nowhere(project: Project, url: str) -> None:
    project.write({"app/models.py": CONNECTED.format(url=url) + MODELS})
    assert project.start().tables() == ["user"]
    assert not (project.top / "app.db").exists()


LIBRARIES = {
    "Flask-SQLAlchemy": """\
import flask, flask_sqlalchemy, sqlalchemy

db = flask_sqlalchemy.SQLAlchemy()
app = flask.Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql+psycopg2://nowhere/d"
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_pre_ping": True, "echo": True}
db.init_app(app)
Base = db.Model

class User(Base):
    id = db.Column(sqlalchemy.Integer, primary_key=True)

with app.app_context():
    assert type(db.engine) is sqlalchemy.Engine
    assert db.session.execute(sqlalchemy.select(User)).all() == []
""",
    "SQLModel": """\
import sqlmodel

class User(sqlmodel.SQLModel, table=True):
    id: int | None = sqlmodel.Field(default=None, primary_key=True)

Base = sqlmodel.SQLModel
engine = sqlmodel.create_engine("sqlite:///app.db", echo=True, connect_args={"check_same_thread": False})
sqlmodel.SQLModel.metadata.create_all(engine)
with sqlmodel.Session(engine) as session:
    assert session.exec(sqlmodel.select(User)).all() == []
""",
    "databases": """\
import databases, sqlalchemy
from sqlalchemy.orm import declarative_base

database = databases.Database("postgresql+asyncpg://u:p@nowhere/d", min_size=1)
Base = declarative_base()
users = sqlalchemy.Table("user", Base.metadata, sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True))
""",
    "asyncio": """\
import asyncio, sqlalchemy
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import declarative_base

Base = declarative_base()

class User(Base):
    __tablename__ = "user"
    id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)

engine = create_async_engine("postgresql+asyncpg://u:p@nowhere/d", pool_size=3, echo=True)

async def main():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with async_sessionmaker(engine)() as session:
        assert (await session.execute(sqlalchemy.select(User))).all() == []

asyncio.run(main())
""",
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_models_of_other_libraries(project: Project, library: str) -> None:
    project.write({"app/models.py": LIBRARIES[library]})
    assert project.start().tables() == ["user"]
    assert project.start({**FILES, "app/models.py": LIBRARIES[library]}).tables() == ["user"]
    assert not (project.top / "app.db").exists()


REFLECTING = {
    "reflect": "Base.metadata.reflect(engine)",
    "autoload": "sqlalchemy.Table('item', Base.metadata, autoload_with=engine)",
    "automap": "automap_base(metadata=Base.metadata).prepare(autoload_with=engine)",
    "inspect": "sqlalchemy.inspect(engine).has_table('item')",
}


@pytest.mark.parametrize("way", REFLECTING)
def test_models_that_read_a_database_at_import_are_told_from_others(project: Project, way: str) -> None:
    code = (
        "import sqlalchemy\nfrom sqlalchemy.ext.automap import automap_base\n"
        f"engine = sqlalchemy.create_engine({URL})\n{REFLECTING[way]}\n"
    )
    project.write({"app/models.py": MODELS + code})
    line = (MODELS + code).count("\n")
    with pytest.raises(WorkerError) as caught:
        project.start().schema()
    assert caught.value.message == (
        f"app/models.py reads tables out of a database when it is imported (line {line}): "
        "what the models are cannot be said"
    )
    assert caught.value.error["hint"].startswith("read them when the application starts (DeferredReflection)")


def test_an_env_py_that_looks_into_the_database_is_none_of_these(project: Project) -> None:
    look = "import sqlalchemy\nsqlalchemy.inspect(sqlalchemy.create_engine('sqlite://')).has_table('x')\n"
    project.write({"alembic/env.py": look + ENV})
    assert project.start().tables() == ["user"]


IMPORTS_WITH_EFFECTS = {
    "changes the directory": "import os, tempfile\nos.chdir(tempfile.gettempdir())\n",
    "changes the locale": "import locale\nlocale.setlocale(locale.LC_ALL, 'C')\n",
    "starts a thread": "import threading, time\n"
    "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n",
    "forks": "import os\nif os.fork() == 0:\n    os._exit(0)\nos.wait()\n",
    "leaves a process": "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'pass']).wait()\n",
    "makes a pool": "import multiprocessing\n"
    "if __name__ != '__mp_main__':\n    with multiprocessing.get_context('fork').Pool(1) as pool:\n"
    "        assert pool.map(abs, [-1]) == [1]\n",
}


@pytest.mark.parametrize("effect", IMPORTS_WITH_EFFECTS)
def test_imports_with_effects(project: Project, effect: str) -> None:
    code = IMPORTS_WITH_EFFECTS[effect]
    project.write({"app/models.py": code + MODELS})
    for tree in (None, {**FILES, "app/models.py": code + MODELS}):
        child = project.start(tree)
        assert child.tables() == ["user"]
        assert child.close() == 0


def test_what_is_replaced_looks_like_the_original(tmp_path: object) -> None:
    places = Places("/nowhere")
    original, run_env = Engine.raw_connection, ScriptDirectory.run_env
    with without_database(places):
        stand_in = Engine.raw_connection
        assert stand_in is not original
        assert inspect.signature(stand_in) == inspect.signature(original)
        assert (stand_in.__name__, stand_in.__qualname__) == (original.__name__, original.__qualname__)
        assert (stand_in.__doc__, stand_in.__module__) == (original.__doc__, original.__module__)
        assert inspect.signature(ScriptDirectory.run_env) == inspect.signature(run_env)
        engine = create_engine("sqlite://")
        with engine.connect() as connection:
            assert type(connection) is Connection
        assert type(Session(engine)) is Session
    assert Engine.raw_connection is original
    assert ScriptDirectory.run_env is run_env


def test_nothing_of_python_or_sqlalchemy_is_replaced_that_looks_different() -> None:
    # In the work tree the loader of source files distrusts bytecode; everything else is as it was.
    before = {name: value for name, value in vars(SourceFileLoader).items()}
    get_code = SourceFileLoader.get_code
    Importing_ = Importing(Places("/nowhere"))
    try:
        from gitmig.worker.importing.finder import _distrust_young_bytecode

        _distrust_young_bytecode(Importing_)
        assert inspect.signature(SourceFileLoader.get_code) == inspect.signature(get_code)
        assert SourceFileLoader.get_code.__qualname__ == get_code.__qualname__
        after = {name: value for name, value in vars(SourceFileLoader).items() if name != "get_code"}
        assert after == {name: value for name, value in before.items() if name != "get_code"}
    finally:
        del SourceFileLoader.get_code
    assert SourceFileLoader.get_code is get_code
    assert issubclass(ProjectFinder, FileFinder)

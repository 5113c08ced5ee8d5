"""Repositories with environments of every kind, some made by Flask-Migrate itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.story import Project

BASE = """\
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class {name}(Base):
    __tablename__ = "{table}"

    id: Mapped[int] = mapped_column(primary_key=True)
"""
COLUMN = "    email: Mapped[str | None]\n"
ENV = """\
from alembic import context
from sqlalchemy import create_engine, pool

from {module} import Base

config = context.config
url = config.get_main_option("sqlalchemy.url") or "sqlite:///app.db"
if context.is_offline_mode():
    context.configure(url=url, target_metadata=Base.metadata, literal_binds=True)
    context.run_migrations()
else:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
"""
MAKO = (Path(__file__).resolve().parents[2] / "alembic" / "script.py.mako").read_text("utf-8")
IGNORED = "__pycache__/\n*.db\n*.db-*\ninstance/\n"


def repository(top: Path) -> Project:
    """An empty one."""
    project = Project(top)
    project.write(".gitignore", IGNORED)
    project.git("init", "--quiet")
    return project


def scripts(project: Project, folder: str, module: str = "app.models") -> None:
    """A script folder without revisions."""
    project.write(f"{folder}/env.py", ENV.format(module=module))
    project.write(f"{folder}/script.py.mako", MAKO)
    project.write(f"{folder}/versions/.gitkeep", "")


def models(project: Project, path: str = "app/models.py", name: str = "User") -> None:
    """One table in a package."""
    package = path.rpartition("/")[0]
    if package:
        project.write(f"{package}/__init__.py", "")
    project.write(path, BASE.format(name=name, table=name.lower()))


def service(project: Project, folder: str, name: str) -> None:
    """A whole environment in a folder of its own, with a database ``app.db`` in it."""
    models(project, f"{folder}/app/models.py", name)
    scripts(project, f"{folder}/alembic")
    project.write(
        f"{folder}/alembic.ini",
        "[alembic]\nscript_location = alembic\nprepend_sys_path = .\nsqlalchemy.url = sqlite:///app.db\n",
    )


def flask(project: Project, *args: str, app: str) -> None:
    """What ``flask ARGS`` does."""
    subprocess.run(
        [sys.executable, "-m", "flask", *args],
        cwd=project.top,
        env={**project.environment(), "FLASK_APP": app},
        check=True,
        capture_output=True,
    )


FACTORY = '''\
"""The shop."""

from flask import Flask

from .extensions import db, migrate


def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///main.db"
    app.config["SQLALCHEMY_BINDS"] = {binds}
    db.init_app(app)
    migrate.init_app(app, db)
    from . import models

    return app
'''
EXTENSIONS = """\
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
migrate = Migrate()
"""
FLASK_MODELS = """\
from .extensions import db


class Item(db.Model):
    id = db.Column(db.Integer, primary_key=True)
"""
ARCHIVE = """

class Old(db.Model):
    __bind_key__ = "archive"

    id = db.Column(db.Integer, primary_key=True)
"""


def flask_shop(top: Path, *, multidb: bool = False) -> Project:
    """A package with a factory, as ``flask db init`` leaves it, in one commit."""
    project = repository(top)
    binds = '{"archive": "sqlite:///archive.db"}' if multidb else "{}"
    project.write("shop/__init__.py", FACTORY.replace("{binds}", binds))
    project.write("shop/extensions.py", EXTENSIONS)
    project.write("shop/models.py", FLASK_MODELS + (ARCHIVE if multidb else ""))
    flask(project, "db", "init", *(["--multidb"] if multidb else []), app="shop")
    project.write("migrations/versions/.gitkeep", "")
    project.commit("Start")
    return project

"""Flask's application around everything that an env.py of Flask-Migrate does, found as Flask finds it."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

from ..channel import Failure
from .no_database import without_database
from .tracebacks import project_code

if TYPE_CHECKING:
    from alembic.config import Config

    from ..session import Session


def enter_application(session: Session) -> None:
    """Load the application once and enter its context, which lasts as long as the worker.

    Nothing happens if env.py is not Flask-Migrate's. The application is that of ``FLASK_APP``, of the
    settings, of ``.flaskenv``, or wsgi.py or app.py in the current folder. Raises Failure "project-code",
    "application".
    """
    if not session.options.flask or session.application is not None:
        return
    with project_code(session):
        _read_flaskenv(session)
        application = _load(session, os.environ.get("FLASK_APP") or session.options.app)
        if "migrate" not in application.extensions:
            raise Failure(
                "application", f"{application.name} is not made known to Flask-Migrate: Migrate(app, db)"
            )
        application.app_context().push()
    session.application = application


def completed(session: Session, config: Config) -> Config:
    """The configuration as the application's ``@migrate.configure`` functions leave it."""
    if session.application is None:
        return config
    migrate = getattr(session.application.extensions["migrate"], "migrate", None)
    with project_code(session):
        changed: Config = config if migrate is None else migrate.call_configure_callbacks(config)
    return changed


def _load(session: Session, name: str | None) -> Any:
    try:
        from flask.cli import NoAppException, ScriptInfo
    except ImportError as error:
        raise Failure("version", f"{sys.executable} cannot import {error.name}", name=error.name) from None
    try:
        # What it connects to while it is made is asked for again by whoever needs it.
        with without_database(session.places):
            return ScriptInfo(app_import_path=name).load_app()
    except NoAppException as error:
        if isinstance(error.__context__, ImportError):
            # It is there, and needs something that is not.
            raise error.__context__ from None
        raise Failure("application", str(error).strip().splitlines()[0].strip()) from error


def _read_flaskenv(session: Session) -> None:
    """As Flask does with python-dotenv: what is set already stays."""
    for line in _flaskenv(session):
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            os.environ.setdefault(name.strip(), _plain(value))


def _flaskenv(session: Session) -> list[str]:
    """The lines of the nearest ``.flaskenv`` in the current folder and above, up to the top.

    A tree in which Flask would find nothing, as before the first ``.flaskenv``, has that of the checkout.
    """
    places, folder = session.places, session.options.folder
    found = _nearest(places.root, folder)
    if found is None and places.root != places.top and not any(map(os.path.isfile, ("wsgi.py", "app.py"))):
        astray = session.importing.manifest.astray
        before = set(astray)
        found = _nearest(places.top, folder)
        # It is not the project's code that reads it there.
        astray &= before
    return found or []


def _nearest(top: str, folder: str) -> list[str] | None:
    while True:
        try:
            with open(os.path.join(top, folder, ".flaskenv"), encoding="utf-8") as file:
                return file.read().splitlines()
        except (OSError, UnicodeDecodeError):
            if not folder:
                return None
            folder = os.path.dirname(folder)


def _plain(value: str) -> str:
    try:
        words = shlex.split(value, comments=True)
    except ValueError:
        return value.strip()
    return " ".join(words)

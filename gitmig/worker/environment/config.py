"""The Alembic configuration and script directory, from the checkout or from a tree."""

from __future__ import annotations

import os
from argparse import Namespace
from configparser import Error as ParserError
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from ..channel import Failure
from ..importing.application import completed, enter_application
from ..importing.tracebacks import project_code

if TYPE_CHECKING:
    from ..session import Session


def alembic_config(session: Session) -> Config:
    """The project's configuration, read once; every caller gets the same object.

    ``%(here)s`` and ``script_location`` lead to where the code comes from. Raises
    Failure("no-configuration").
    """
    if session.config is None:
        session.config = completed(session, _read(session))
    return session.config


def script_directory(session: Session) -> ScriptDirectory:
    """The project's script directory, made once; puts ``prepend_sys_path`` in front of ``sys.path``.

    Raises Failure("no-configuration") where there is none.
    """
    if session.script is None:
        enter_application(session)
        config = alembic_config(session)
        try:
            with project_code(session):  # `package:folder` imports the package
                script = ScriptDirectory.from_config(config)
        except Failure as failure:
            if failure.kind == "alembic":
                message = failure.message.replace(f"{session.directory}{os.sep}", "")
                raise Failure("no-configuration", message) from failure
            raise
        if script.version_locations:
            script.version_locations = [_located(session, str(place)) for place in script.version_locations]
        session.script = script
    return session.script


def _read(session: Session) -> Config:
    options = session.options
    paths = {}
    for kind, path in (("ini", options.ini), ("toml", options.toml)):
        if path is not None:
            paths[kind] = session.file(path)
            if paths[kind] is None:
                raise Failure("no-configuration", f"{path} is not there")
    if not paths and session.options.script_location is None:
        raise Failure("no-configuration", "there is no Alembic configuration")
    config = Config(
        paths.get("ini"), ini_section=options.section, cmd_opts=_command_line(options.x, options.section)
    )
    if "toml" in paths:
        if not hasattr(Config, "toml_alembic_config"):
            raise Failure("version", "[tool.alembic] needs Alembic 1.16", name="alembic")
        config.toml_file_name = paths["toml"]
    try:
        _settle(session, config)
    except (ParserError, ValueError, CommandError) as error:
        path = options.ini or options.toml
        raise Failure("no-configuration", f"{path}: {str(error).splitlines()[0]}") from error
    return config


def _command_line(x: tuple[str, ...], section: str) -> Namespace:
    """What env.py sees as ``config.cmd_opts``: `alembic -x … upgrade head`."""
    return Namespace(
        x=list(x),
        name=section,
        quiet=False,
        verbose=False,
        raiseerr=True,
        sql=False,
        tag=None,
        revision="head",
        autogenerate=False,
        cmd=(command.upgrade, ["revision"], ["sql", "tag"]),
    )


def _settle(session: Session, config: Config) -> None:
    """Read the files now, and name the folder of the scripts in full: the code may change its directory."""
    parser, options = config.file_config, session.options
    if options.versions:
        folders = "\n".join(map(session.places.source, options.versions))
        config.set_main_option("version_locations", folders.replace("%", "%%"))
        config.set_main_option("recursive_version_locations", "true")
        for name in ("path_separator", "version_path_separator"):
            config.set_main_option(name, "newline")
    if options.script_location is not None:
        place = session.places.source(options.script_location)
        config.set_main_option("script_location", place.replace("%", "%%"))
        return
    toml = config.toml_alembic_config if getattr(config, "toml_file_name", None) else None
    if parser.has_option(config.config_ini_section, "script_location"):
        location = parser.get(config.config_ini_section, "script_location")
        place = _located(session, location).replace("%", "%%")
        parser.set(config.config_ini_section, "script_location", place)
    elif isinstance(toml, dict) and isinstance(toml.get("script_location"), str):
        location = toml["script_location"] % config.toml_args
        toml["script_location"] = _located(session, location).replace("%", "%%")


def _located(session: Session, location: str) -> str:
    """A folder that the configuration names, where the code comes from; ``package:folder`` as it is."""
    if ":" in location and not os.path.isabs(location):
        return location
    place = os.path.join(session.directory, location)
    relative = session.places.relative(place)
    return place if relative is None else session.places.source(relative)

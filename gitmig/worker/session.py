"""What one worker was opened with. One worker imports one version of the code."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .channel import Channel
from .importing.places import Places

if TYPE_CHECKING:
    from types import ModuleType

    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from .importing.finder import Importing


@dataclass(frozen=True)
class Options:
    """The ``open`` request. All paths but ``top`` are relative to it."""

    top: str
    """The checkout, as the command line sees it."""
    folder: str = ""
    """The folder of the Alembic configuration, in which the project's code runs."""
    root: str | None = None
    """The folder that the tree is laid out in, if the code is not to be that of the checkout."""
    inode: list[int] | None = None
    """Device and number of ``top``: elsewhere the same path may be another folder."""
    ini: str | None = None
    toml: str | None = None
    section: str = "alembic"
    script_location: str | None = None
    """The script folder; None leaves it to the configuration."""
    versions: tuple[str, ...] = ()
    """The folders of the revisions, if the configuration does not say it all: read with all below them."""
    paths: tuple[str, ...] = ()
    """The folders that modules are imported from, after what the configuration says."""
    flask: bool = False
    """Whether everything runs in the context of Flask's application."""
    app: str | None = None
    """What Flask finds the application by, unless ``FLASK_APP`` is set."""
    x: tuple[str, ...] = ()
    url_env: str | None = None
    metadata: str | None = None
    dialect: str | None = None
    exclude: tuple[str, ...] = ()

    @property
    def configured(self) -> bool:
        """Whether there is an Alembic environment to read."""
        return any((self.ini, self.toml, self.script_location))

    @classmethod
    def of(cls, request: dict[str, Any]) -> Options:
        """Options out of a request; keys that are not ours are an error of the protocol."""
        values = {key: value for key, value in request.items() if key != "do"}
        for key in ("versions", "paths", "x", "exclude"):
            values[key] = tuple(values.get(key) or ())
        return cls(**values)


@dataclass
class Session:
    """The state of one worker: its channel, its options, and where its code comes from."""

    channel: Channel
    options: Options
    places: Places = field(init=False)
    """The checkout, and the folder that the code comes from. Set by ``open``."""
    importing: Importing = field(init=False)
    """Set by ``open``."""
    sources: dict[tuple[int, str], str] = field(default_factory=dict)
    """Metadata's ``id`` and table key to the file whose code made the table."""
    foreign: dict[str, ModuleType] = field(default_factory=dict)
    """Modules that are known to be none of the project's, by name."""
    config: Config | None = None
    """Made once by ``config.alembic_config``."""
    script: ScriptDirectory | None = None
    """Made once by ``config.script_directory``."""
    application: Any = None
    """Flask's, pushed once by ``application.enter_application``."""
    at_end: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What is to be undone by name, should the command line not come to ask for it."""

    @property
    def directory(self) -> str:
        """The folder of the Alembic configuration where the code comes from; the process's cwd."""
        return self.places.source(self.options.folder)

    def file(self, relative: str) -> str | None:
        """The absolute path of a project file where the code comes from, or None if it is not there."""
        path = self.places.source(relative)
        return path if os.path.exists(path) else None

    def close(self) -> None:
        """Undo what was left behind."""
        for undo in self.at_end.values():
            with contextlib.suppress(Exception):
                undo()

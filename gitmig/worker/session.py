"""What one worker was opened with. One worker imports one version of the code."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..wire.opening import Opening
from .channel import Channel
from .importing.places import Places

if TYPE_CHECKING:
    from types import ModuleType

    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from .importing.finder import Importing


@dataclass
class Session:
    """The state of one worker: its channel, its options, and where its code comes from."""

    channel: Channel
    options: Opening
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

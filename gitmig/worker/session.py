"""What one worker was opened with. One worker imports one version of the code."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .channel import Channel
from .places import Places

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from .imports import TreeFinder


@dataclass(frozen=True)
class Options:
    """The ``open`` request. Paths ``ini`` and ``toml`` are relative to ``top``."""

    top: str
    directory: str
    ini: str | None = None
    toml: str | None = None
    section: str = "alembic"
    x: tuple[str, ...] = ()
    url_env: str | None = None
    tree: bool = False
    metadata: str | None = None
    dialect: str | None = None
    exclude: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: dict[str, Any]) -> Options:
        """Options out of a request; keys that are not ours are an error of the protocol."""
        values = {key: value for key, value in request.items() if key != "do"}
        for key in ("x", "exclude"):
            values[key] = tuple(values.get(key) or ())
        return cls(**values)


@dataclass
class Session:
    """The state of one worker: its channel, its options, and where its code comes from."""

    channel: Channel
    options: Options
    places: Places = field(init=False)
    """The checkout, and the private root that ``open`` makes when the code comes from a tree."""
    finder: TreeFinder | None = None
    """Installed by ``open``."""
    sources: dict[tuple[int, str], str] = field(default_factory=dict)
    """Metadata's ``id`` and table key to the file whose code made the table."""
    config: Config | None = None
    """Made once by ``config.alembic_config``."""
    script: ScriptDirectory | None = None
    """Made once by ``config.script_directory``."""
    at_end: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What is to be undone by name, should the command line not come to ask for it."""

    def __post_init__(self) -> None:
        self.places = Places(self.options.top)

    @property
    def directory(self) -> str:
        """The folder of the Alembic configuration in the checkout; the process's cwd."""
        return os.path.join(self.places.top, self.options.directory)

    def file(self, relative: str) -> str | None:
        """The absolute path of a project file where the code comes from, or None if it is not there.

        With a tree, the file is written to the private root first.
        """
        if self.finder is not None:
            self.finder.provide(relative)
        path = self.places.source(relative)
        return path if os.path.exists(path) else None

    def close(self) -> None:
        """Remove the private root, if there is one, and what was left behind."""
        for undo in self.at_end.values():
            with contextlib.suppress(Exception):
                undo()
        if self.finder is not None:
            self.finder.close()

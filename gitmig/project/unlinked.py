"""Script folders that are symbolic links, under the names that git knows their files by."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from gitmig.core.configuration import Configuration


def unlinked(configuration: Configuration, top: Path) -> Configuration:
    """The configuration with its folders where links lead to, as far as that is in the work tree."""
    real = os.path.realpath(top)

    def place(folder: str) -> str:
        found = os.path.realpath(os.path.join(real, folder))
        inside = found.startswith(real + os.sep)
        return os.path.relpath(found, real).replace(os.sep, "/") if inside else folder

    versions = tuple(dict.fromkeys(map(place, configuration.versions)))
    return replace(configuration, script_location=place(configuration.script_location), versions=versions)

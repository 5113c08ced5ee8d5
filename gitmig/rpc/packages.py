"""Where a package of the project's interpreter lies; nothing of it is imported."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

_ASK = """\
import importlib.util, sys
found = importlib.util.find_spec(sys.argv[1])
places = [] if found is None else list(found.submodule_search_locations or ())
print(places[0] if places else "", end="")
"""
_TIMEOUT = 30.0


def folder_in_package(command: Sequence[str], location: str) -> Path | None:
    """The folder that ``package.sub:folder`` names, as the interpreter ``command`` would find it.

    None if there is no such package, or no such folder in it, or the interpreter does not say.
    """
    package, _, rest = location.partition(":")
    top, *inside = package.split(".")
    try:
        done = subprocess.run(
            [*command, "-c", _ASK, top],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    if done.returncode or not done.stdout:
        return None
    place = Path(done.stdout).joinpath(*inside, *rest.split(":"))
    return place if place.is_dir() else None

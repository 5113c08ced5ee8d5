"""Asking git before anything else is imported: for what every commit or every command waits for.

``subprocess`` takes longer to import than git to answer. The environment is inherited as it is: a hook asks
about the index of its own commit.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Asked = tuple[int, int]
    """A process of git, and the open file that its answer comes from."""

CONFIGURATION = ("config", "-z", "--list")
PLACES = ("rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir")


def start(*args: str) -> Asked:
    """Start git with a question, which takes no lock. Raises OSError."""
    answer, end = os.pipe()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, end, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return os.posix_spawnp("git", ["git", *args], environment, file_actions=actions), answer
    except OSError:
        os.close(answer)
        raise
    finally:
        os.close(end)


def answer(asked: Asked, codes: Sequence[int] = (0,)) -> bytes | None:
    """What git says; None if it ends with another code."""
    process, stream = asked
    with os.fdopen(stream, "rb") as file:
        data = file.read()
    return data if os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) in codes else None

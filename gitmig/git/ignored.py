"""What git ignores in a work tree, asked once for all folders that it is linked into."""

from __future__ import annotations

import threading
from types import TracebackType

from gitmig.git.command import Location, Runner, abandon, refusal, separate_repository
from gitmig.git.worktree import PLAIN

_QUESTION = ("ls-files", "-o", "-i", "--exclude-standard", "--directory", "-z")


class Ignored:
    """The answer, which git works on from the start. Several threads may ask."""

    def __init__(self, place: Location) -> None:
        """``place``: the work tree, which may not be there: then nothing is ignored."""
        there = (place.top / ".git").exists() or separate_repository(place.top)
        self._process = Runner(place).start([*PLAIN, *_QUESTION]) if there else None
        self._asking = threading.Lock()
        self._out: bytes | None = None if there else b""

    def paths(self) -> bytes:
        """The paths that are ignored, as ``-z`` has them; folders have a slash. Raises GitError."""
        with self._asking:
            if self._out is None and self._process is not None:
                out, error = self._process.communicate()
                if self._process.returncode:
                    raise refusal(error)
                self._out = out
        return self._out or b""

    def __enter__(self) -> Ignored:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            abandon(self._process)

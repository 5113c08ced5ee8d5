"""Where revisions and models lie, and where they lay before."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gitmig.core.paths import Generations, below, present
from gitmig.git.contents import digest_line, digest_of_sorted
from gitmig.git.objects import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedPlaces:
    """The folders with revision files (their subfolders too if ``recursive``), and the models paths."""

    versions: tuple[str, ...]
    recursive: bool = False
    models: tuple[Generations, ...] = ()
    settings: str = ""
    """The file that configures the models paths, which may have named others before; "" if none does."""
    environment: str = ""
    """What it calls the environment, if it lists several."""

    @property
    def paths(self) -> tuple[str, ...]:
        """All of them."""
        models = (path for each in self.models for paths in each for path in paths)
        return tuple(dict.fromkeys((*self.versions, *models)))

    def holds_revision(self, path: str) -> bool:
        """Whether a file lies where revisions lie."""
        if not path.endswith(".py"):
            return False
        folder = path.rpartition("/")[0]
        if folder in self.versions:
            return True
        return self.recursive and any(not root or folder.startswith(root + "/") for root in self.versions)

    def with_versions(self, folders: Iterable[str]) -> TrackedPlaces:
        """The same with more folders."""
        return replace(self, versions=tuple(dict.fromkeys((*self.versions, *folders))))

    def with_models(self, former: Sequence[Sequence[Sequence[str]]]) -> TrackedPlaces:
        """The same with more generations of each models path, in turn; an empty one is none."""
        pairs = zip(self.models, former, strict=True)
        models = (dict.fromkeys((*each, *(tuple(paths) for paths in more if paths))) for each, more in pairs)
        return replace(self, models=tuple(tuple(each) for each in models))


class ModelsLines:
    """The models files at one commit, moved forward change by change; its content digest at any time."""

    def __init__(self, models: Sequence[Generations]) -> None:
        self._models = models
        self._lines: dict[str, list[bytes]] = {
            path: [] for each in models for paths in each for path in paths
        }

    def put(self, path: str, old: Entry | None, new: Entry | None) -> bool:
        """Put one entry in the place of another; whether the path is one of the models'."""
        roots = [root for root in self._lines if below(path, root)]
        for root in roots:
            lines = self._lines[root]
            if old is not None:
                lines.remove(digest_line(path, old.blob))
            if new is not None:
                bisect.insort(lines, digest_line(path, new.blob))
        return bool(roots)

    def digest(self) -> str | None:
        """As ``content_digest`` of the paths that are there; None if there is no file."""
        chosen = [self._lines[root] for root in present(self._models, lambda root: bool(self._lines[root]))]
        if len(chosen) == 1:
            return digest_of_sorted(chosen[0])
        return digest_of_sorted(sorted({line for lines in chosen for line in lines}))

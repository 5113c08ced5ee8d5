"""The hook's quick answer: whether what is being committed can change the schema or the revisions at all.

A few questions to git and the standard library, nothing else: no settings, no interpreter, no Typer. It only
ever says "passes" or "look closer", and never guesses: what is not known here is for ``operations.check``.
Every commit waits for what is imported here, so git is started without ``subprocess``, and what only some
answers need is imported for them.
"""

from __future__ import annotations

import json
import os

from gitmig import __version__
from gitmig.git.asking import answer, start
from gitmig.hooks.folders import git_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from gitmig.git.asking import Asked
    from gitmig.git.index_lines import IndexLines

_STAGED = ("ls-files", "-s", "-z", "--full-name")
_CONFIGURED = ("config", "-z", "--get-regexp", r"^gitmig\.")
_FILE = "passed.json"
_KEPT = 8
_SUBMODULE = "S"
HARMLESS = (
    *(".md", ".rst", ".html", ".css", ".scss", ".js", ".mjs", ".jsx", ".ts", ".tsx", ".vue", ".map", ".po"),
    *(".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".woff", ".woff2", ".ttf", ".pdf", ".lock"),
    *(".gitignore", ".dockerignore", ".editorconfig", "LICENSE", "Dockerfile"),
)
"""What nobody makes tables from. Of other files that is known if it is known what these models read."""


def passes() -> bool:
    """Whether the commit being made passes without a closer look."""
    try:
        changed = _changed()
        entries = read(f"{git_folders()[1]}/gitmig/cache")
    except (OSError, ValueError):
        return False
    if changed is None or (not changed and "PRE_COMMIT" in os.environ) or "PRE_COMMIT_FROM_REF" in os.environ:
        # Before the first commit there is nothing to compare; `pre-commit run --all-files` means HEAD.
        return False
    untouched = [entry for entry in entries if not any(_touches(entry, *change) for change in changed)]
    if untouched == entries and all(path.endswith(HARMLESS) for _, path in changed):
        emptied = any(_may_empty(entry, *change) for entry in entries for change in changed)
        return not emptied or _known(entries)
    return bool(untouched) and _known(untouched)


def read(folder: str) -> list[dict[str, Any]]:
    """What passed before: entries of :func:`remember`. Damaged or of another version counts as absent."""
    try:
        with open(f"{folder}/{_FILE}", encoding="utf-8") as file:
            stored = json.load(file)
        entries = stored["entries"] if stored["gitmig"] == __version__ else []
        return [entry for entry in entries if "asked" in entry]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def remember(
    folder: str,
    tree: StagedPaths,
    manifest: Mapping[str, Mapping[str, str]],
    watched: Iterable[str],
    circumstances: str,
) -> None:
    """Note that a tree was found to be in step: its schema is the one that its revisions were made for.

    ``manifest`` is what the schema depends on (``files``, ``lookups``, ``listings``, ``asked``), ``watched``
    the folders of the revisions and the files that configure the project. Changes ``passed.json``; a failure
    is ignored.
    """
    entry = {
        **{name: dict(values) for name, values in manifest.items()},
        "watched": {path: tree.digest(path) for path in watched},
        "circumstances": circumstances,
    }
    entries = [entry, *(other for other in read(folder) if other != entry)][:_KEPT]
    temporary = f"{folder}/.{_FILE}.{os.getpid()}"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"gitmig": __version__, "entries": entries}, file)
        os.replace(temporary, f"{folder}/{_FILE}")
    except OSError:
        return


def circumstances() -> str:
    """The digest of what is not in the tree, as it is now."""
    return _circumstances(start(*_CONFIGURED))


def _circumstances(configured: Asked) -> str:
    from gitmig.facts.circumstances import summary

    tops = (os.getcwd(), os.path.dirname(git_folders()[1]))
    return summary(tops, answer(configured, codes=(0, 1)) or b"")


class StagedPaths:
    """What is staged, as ``git ls-files`` tells it; see ``gitmig.facts.manifest.Paths``."""

    def __init__(
        self, lines: IndexLines, links: Sequence[str] = (), modules: Mapping[str, str] | None = None
    ):
        self._lines = lines
        self.links = links
        self._modules = modules or {}

    def blob(self, path: str) -> str | None:
        """The blob id of a file; None if there is no such file."""
        found = self._lines.find(path)
        return None if found is None else found[1]

    def modules(self) -> Mapping[str, str]:
        """Path to commit of every submodule."""
        return self._modules

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder of that name."""
        return self._lines.find(path) is not None or self._lines.has_below(path)

    def listing(self, folder: str) -> tuple[list[str], list[str]]:
        """The names of the files and of the folders in a folder."""
        names = list(self._lines.names_in(folder))
        return [name for name, below in names if not below], [name for name, below in names if below]

    def digest(self, path: str) -> str:
        """A digest of a file, or of all that lies in a folder."""
        import hashlib

        own = self.blob(path)
        found = [(path, own)] if own else [(name, id) for name, _, id in self._lines.below(path)]
        text = "\n".join(f"{name} {id}" for name, id in found)
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _known(entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one of these entries is what the index holds, under the circumstances of now."""
    staged, configured = start(*_STAGED), start(*_CONFIGURED)
    tree, now = _index(answer(staged) or b""), _circumstances(configured)
    if tree is None:
        return False
    return any(entry["circumstances"] == now and _holds(entry, tree) for entry in entries)


def _holds(entry: Mapping[str, Any], tree: StagedPaths) -> bool:
    from gitmig.facts.manifest import unchanged

    depends = [path for name in ("files", "lookups", "listings", "asked", "watched") for path in entry[name]]
    if any(_below(path, link) for link in tree.links for path in depends):
        # Links are followed by the closer look alone.
        return False
    return bool(
        {path: tree.digest(path) for path in entry["watched"]} == entry["watched"]
        and unchanged(tree, entry, os.getcwd())
    )


def _touches(entry: Mapping[str, Any], status: str, path: str) -> bool:
    """Whether a changed path is among what an entry depends on, or may become so."""
    if path in entry["files"] or any(_below(path, at) for at in entry["watched"]):
        return True
    if status == _SUBMODULE:
        return any(_below(file, path) for file in entry["files"])
    if status == "M":
        return False
    stem = path.removesuffix(".py").removesuffix("/__init__")
    folder = os.path.dirname(path)
    above = list(_upwards(folder))
    # A new file makes its folders, which an import may have looked for; a package's is there anyway.
    if any(not entry["lookups"].get(name, "p").startswith("p") for name in above):
        return True
    if path in entry["asked"] or any(entry["asked"].get(name, "d") != "d" for name in above):
        return True
    return stem in entry["lookups"] or any(name in entry["listings"] for name in (*above, ""))


def _may_empty(entry: Mapping[str, Any], status: str, path: str) -> bool:
    """Whether a folder that may have been asked for may be gone with a path."""
    return status == "D" and any(name in entry["asked"] for name in _upwards(os.path.dirname(path)))


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _upwards(folder: str) -> Iterable[str]:
    while folder:
        yield folder
        folder = os.path.dirname(folder)


def _changed() -> list[tuple[str, str]] | None:
    """How the index differs from HEAD: (status letter, path). None if there is no HEAD.

    A submodule has a letter of its own, whatever became of it.
    """
    out = answer(start("diff-index", "--cached", "--raw", "--no-renames", "-z", "HEAD", "--"))
    if out is None:
        return None
    words = os.fsdecode(out).split("\0")
    pairs = zip(words[::2], words[1::2], strict=False)
    return [(_SUBMODULE if "160000" in meta else meta.rpartition(" ")[2], path) for meta, path in pairs]


def _index(listed: bytes) -> StagedPaths | None:
    """What is staged, as ``git ls-files -s -z`` lists it; None while a merge is unresolved."""
    from gitmig.git.index_lines import NO_STAGE, IndexLines, path_start

    lines = listed.split(b"\0")[:-1]
    if not lines:
        return StagedPaths(IndexLines(lines, 0))
    start = path_start(lines[0])
    if any(line[start - 2] != NO_STAGE for line in lines):
        return None
    others = [line for line in lines if not line.startswith(b"100")]
    links = [os.fsdecode(line[start:]) for line in others if line.startswith(b"120000")]
    found = [line for line in others if line.startswith(b"160000")]
    modules = {os.fsdecode(line[start:]): line[7 : start - 3].decode() for line in found}
    files = [line for line in lines if not line.startswith(b"160000")] if found else lines
    return StagedPaths(IndexLines(files, start), links, modules)

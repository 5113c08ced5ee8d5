"""The advice after a checkout, a merge or a rebase: where the database was last seen, if that is elsewhere.

Files and the standard library, nothing else: no database, no interpreter, no git. What is not known for sure
is passed over in silence: the hooks that call this must never be in the way.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import time
import zlib

from gitmig.hooks.folders import git_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from gitmig.core.configuration import Configuration
    from gitmig.core.revisions.graph import Graph

_TOML = "pyproject.toml"
_BUSY = ("rebase-merge", "rebase-apply", "BISECT_LOG")
_NAMES = (b"revision", b"down_revision", b"depends_on")
_ASSIGNED = re.compile(
    rb"^(revision|down_revision|depends_on)\b(?:[ \t]*:[^=\n]*)?[ \t]*="
    rb"[ \t]*(None|\"[^\"\\\n]*\"|'[^'\\\n]*'|[(\[][^()\[\]]*[)\]])[ \t]*(?:#[^\n]*)?\r?$",
    re.MULTILINE,
)


class Advice:
    """One line, and the environment of Alembic that it is about."""

    __slots__ = ("config", "database", "environment", "line", "section")

    def __init__(self, line: str, *, database: str, config: str, section: str, environment: str | None):
        self.line = line
        self.database = database
        self.config = config
        """The alembic.ini (or pyproject.toml), relative to the top."""
        self.section = section
        self.environment = environment
        """Its name, if there are several."""


def hook_words(words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """A hook's name and git's arguments; the pre-commit framework has them in the environment."""
    return list(words) or _frameworks(environment)


def advise(words: Sequence[str], rewritten: Sequence[str] = ()) -> Advice | None:
    """What to say after ``words``, see :func:`hook_words`; None is silence.

    ``rewritten`` are the keys of environments whose revisions the hook has just put on top of others: the
    database has them as they were. The current folder is the top of the work tree. Raises OSError and
    ValueError where something cannot be read.
    """
    if not _moved(words):
        return None
    folder, common = git_folders()
    if _is_busy(words, folder) or _starts_rebase(folder):
        return None
    for key, note in _notes(folder).items():
        advice = _about(_newest(common, key, note), old=key in rewritten)
        if advice is not None:
            return advice
    return None


def may_have_joined(words: Sequence[str]) -> bool:
    """Whether the hook follows a merge or a rebase that may have left two heads, as far as files tell.

    Raises OSError and ValueError as :func:`advise`.
    """
    folder, _ = git_folders()
    if words[:2] == ["post-merge", "0"]:
        # A merge that git is about to conclude, and no fast-forward.
        joined = os.path.exists(f"{folder}/MERGE_HEAD")
    else:
        joined = words[:1] == ["post-rewrite"]
    if not joined or _is_busy(words, folder):
        return False
    notes = _notes(folder).values()
    heads = [checkout_heads(note["config"], note["section"], note.get("layout")) for note in notes]
    return not heads or any(one is None or len(one) > 1 for one in heads)


def _is_busy(words: Sequence[str], folder: str) -> bool:
    """Whether git is in the middle of more. A rebase is over if that is what the hook tells of."""
    over = list(words) == ["post-rewrite", "rebase"]
    return not over and any(os.path.exists(f"{folder}/{name}") for name in _BUSY)


def _moved(words: Sequence[str]) -> bool:
    """Whether the hook tells of another commit in the work tree."""
    if words[:1] != ["post-checkout"]:
        return list(words[:1]) in (["post-merge"], ["post-rewrite"])
    if len(words) != 4:
        return False
    _, old, new, flag = words
    # All zeros: a new work tree, or a branch without a commit.
    return flag == "1" and old != new and bool(old.strip("0")) and bool(new.strip("0"))


def _starts_rebase(folder: str) -> bool:
    """Whether HEAD was moved by the start of a rebase, which may have written nothing else yet."""
    try:
        with open(f"{folder}/logs/HEAD", "rb") as file:
            file.seek(max(os.path.getsize(file.name) - 1000, 0))
            message = file.read().rstrip(b"\n").rpartition(b"\n")[2].partition(b"\t")[2]
    except OSError:
        return False
    return message.partition(b":")[0].endswith(b" (start)")


def _frameworks(environment: Mapping[str, str]) -> list[str]:
    flag = environment.get("PRE_COMMIT_CHECKOUT_TYPE")
    if flag is not None:
        ends = (environment.get(f"PRE_COMMIT_{name}_REF", "") for name in ("FROM", "TO"))
        return ["post-checkout", *ends, flag]
    squash = environment.get("PRE_COMMIT_IS_SQUASH_MERGE")
    if squash is not None:
        return ["post-merge", squash]
    command = environment.get("PRE_COMMIT_REWRITE_COMMAND")
    return ["post-rewrite", command] if command is not None else []


def _notes(folder: str) -> dict[str, dict[str, Any]]:
    """What ``seen.remember`` noted in a work tree of its own environment's database."""
    try:
        with open(f"{folder}/gitmig/seen.json", encoding="utf-8") as file:
            notes = json.load(file)
    except (OSError, ValueError):
        return {}
    found = notes.items() if isinstance(notes, dict) else ()
    return {key: note for key, note in found if isinstance(note, dict) and note.get("config")}


def _newest(common: str, key: str, note: dict[str, Any]) -> dict[str, Any]:
    """The newest note of the same database in any work tree; a relative SQLite file is a work tree's own."""
    database = note["database"]
    driver, _, path = database.partition(":///")
    if driver.startswith("sqlite") and not path.startswith("/"):
        return note
    trees = [common]
    if os.path.isdir(f"{common}/worktrees"):
        trees += [entry.path for entry in os.scandir(f"{common}/worktrees")]
    others = [_notes(tree).get(key) for tree in trees]
    same = [other for other in others if other is not None and other.get("database") == database]
    return max((note, *same), key=lambda one: float(one["time"]))


def _about(note: dict[str, Any], *, old: bool) -> Advice | None:
    """``old``: the database has the revisions of the same ids in another form."""
    read = _contents(note["config"], note["section"], note.get("layout"))
    heads = _heads(read) if read is not None else None
    if read is None or heads is None or (heads == set(note["heads"]) and not old):
        return None
    crowded = [head for line in _graph(read).crowded for head in line] if len(heads) > 1 else []
    name = note.get("environment")
    which, option = (f"{name}: ", f" -e {shlex.quote(name)}") if name else ("", "")
    where = " and ".join(_named(head, note) for head in note["heads"]) or "base"
    branch = f" of {note['branch']}" if note.get("branch") and note["heads"] else ""
    given = "".join(f" -x {shlex.quote(argument)}" for argument in note.get("x", ()))
    return Advice(
        f"{which}database last seen ({_moment(note['time'])}) at {where}{branch}; "
        + (f"{len(crowded)} heads: " if crowded else "")
        + f"run gitmig{option}{given} {'rebase' if crowded else 'sync'}",
        database=note["database"],
        config=note["config"],
        section=note["section"],
        environment=name,
    )


def _named(head: str, note: dict[str, Any]) -> str:
    message = note.get("messages", {}).get(head)
    return f'{head} "{message}"' if message else head


def _moment(seconds: float) -> str:
    then, now = time.localtime(seconds), time.localtime()
    return time.strftime("%H:%M" if then[:3] == now[:3] else "%Y-%m-%d %H:%M", then)


def checkout_heads(config: str, section: str, layout: Sequence[Any] | None = None) -> set[str] | None:
    """The heads of the files on disk; None if there are none to read, or two have one id."""
    contents = _contents(config, section, layout)
    return _heads(contents) if contents is not None else None


def _contents(config: str, section: str, layout: Sequence[Any] | None) -> dict[str, bytes] | None:
    """The revisions' files on disk; None if the configuration cannot be read.

    ``layout`` is a :func:`fingerprint` of the configuration, with the folders of the revisions by then and
    whether those below count: while it holds, the configuration is not read again.
    """
    if layout and layout[0] == fingerprint(config):
        _, versions, recursive = layout
    else:
        found = _configuration(config, section)
        if found is None:
            return None
        versions, recursive = found.versions, found.recursive
    contents = {}
    for path in dict.fromkeys(path for folder in versions for path in _below(folder, recursive)):
        with open(path, "rb") as file:
            contents[path] = file.read()
    return contents


def fingerprint(config: str, top: str = ".") -> int | None:
    """Of what the configuration's files hold; None if it is not there."""
    ini = _text(os.path.join(top, config))
    toml = _text(os.path.join(top, os.path.dirname(config), _TOML))
    return None if ini is None else zlib.crc32(f"{ini}\0{toml or ''}".encode())


def _configuration(config: str, section: str) -> Configuration | None:
    from gitmig.core.configuration import Source, read_configuration
    from gitmig.errors import GitmigError

    toml = os.path.join(os.path.dirname(config), _TOML)
    ini = config if config != toml and not config.endswith(".py") else None
    folder = os.path.dirname(config) if config.endswith(".py") else None
    source = Source(ini=ini, toml=toml, section=section, folder=folder)
    try:
        return read_configuration(source, _Disk(), os.getcwd())
    except GitmigError:
        return None


class _Disk:
    """The files below the current folder; see ``configuration.Files``."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or a folder."""
        return os.path.exists(path)

    def read(self, path: str) -> bytes | None:
        """A file's bytes."""
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError:
            return None


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        return None


def _below(folder: str, recursive: bool) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder or "."))
    except OSError:
        return
    for entry in entries:
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.name.endswith(".py"):
            # What Alembic passes over.
            if not entry.name.startswith((".#", "__init__")):
                yield path
        elif recursive and entry.is_dir():
            yield from _below(path, recursive)


def _heads(contents: Mapping[str, bytes]) -> set[str] | None:
    parents: dict[str, tuple[str, ...]] = {}
    for data in contents.values():
        found = glance(data)
        if found is None or found[0] in parents:
            # What is not plain: dependencies, names that are computed, ids twice.
            graph = _graph(contents)
            return None if graph.duplicates or graph.unreadable else set(graph.heads)
        parents[found[0]] = found[1]
    return set(parents) - {parent for those in parents.values() for parent in those}


def _graph(contents: Mapping[str, bytes]) -> Graph:
    from gitmig.core.revisions.graph import Graph
    from gitmig.core.revisions.scripts import Script, Unreadable, read_script_bytes

    read = [read_script_bytes(path, data) for path, data in contents.items()]
    unreadable = (one for one in read if isinstance(one, Unreadable))
    return Graph.of((one for one in read if isinstance(one, Script)), unreadable)


def glance(data: bytes) -> tuple[str, tuple[str, ...]] | None:
    """The revision of a file as Alembic writes it, and its parents; None if a closer look is needed."""
    found = _ASSIGNED.findall(data)
    values = dict(found)
    begun = sum(data.count(b"\n" + name) + data.startswith(name) for name in _NAMES)
    if len(found) != len(values) or begun != len(values) or b"revision" not in values:
        return None
    try:
        revision = ast.literal_eval(values[b"revision"].decode())
        down = ast.literal_eval(values.get(b"down_revision", b"None").decode())
        needed = ast.literal_eval(values.get(b"depends_on", b"None").decode())
    except (SyntaxError, ValueError):
        return None
    parents = (down,) if isinstance(down, str) else tuple(down or ())
    if needed or not all(isinstance(one, str) for one in (revision, *parents)):
        return None
    return revision, parents

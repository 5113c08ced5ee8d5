"""Revision files by their blobs: each is read and parsed once, whatever commits and trees have it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gitmig.core.revisions.header import header_of_row, header_row
from gitmig.core.revisions.scripts import Script, Unreadable, read_script_bytes
from gitmig.git.flat_trees import WorkTree
from gitmig.git.objects import Objects
from gitmig.git.trees import GitTree, Tree
from gitmig.state.facts import Facts
from gitmig.wire.values import BlobId

Read = Script | Unreadable | None

_RAW, _ON_DISK, _BEGINNING = "script", "script on disk", "beginning of a script"
"""A file on disk may be another one than its blob, which a filter made."""
_CODE = re.compile(rb"^(?:(?:async\s+)?def|class|@)", re.MULTILINE)
_ASSIGNED = re.compile(rb"^\s*(?:revision|down_revision|depends_on)\b\s*[:=+,]", re.MULTILINE)
_BLOBS = 500
"""Blobs read at a time."""


class KnownScripts:
    """The revision files of one repository; what is not known yet is read, and remembered in ``facts``."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._known: dict[tuple[str, BlobId], Script] = {}

    def of_tree(self, tree: Tree, paths: Sequence[str]) -> Mapping[str, Read]:
        """What the files of a tree are; paths without a file are left out."""
        blobs = _blobs(tree, paths)
        found: dict[str, Read] = {}
        known = self._looked_up(_RAW, blobs.values())
        if isinstance(tree, WorkTree):
            known |= self._looked_up(_ON_DISK, [blob for blob in blobs.values() if blob not in known])
        for path in paths:
            if path in blobs and blobs[path] in known:
                found[path] = _at(known[blobs[path]], path)
        return found | self._read(tree, [path for path in paths if path not in found], blobs)

    def in_history(self, objects: Objects, paths: Mapping[BlobId, str]) -> Mapping[BlobId, Read]:
        """What blobs are, each with one of the paths at which it lies.

        A history has many forms of long scripts, and nearly all say who they are before the first function:
        nothing else is sure of these, and a script whose functions no Python here can read counts too.
        """
        known = self._looked_up(_RAW, paths)
        known |= self._looked_up(_BEGINNING, [blob for blob in paths if blob not in known])
        found: dict[BlobId, Read] = {blob: _at(script, paths[blob]) for blob, script in known.items()}
        missing = [blob for blob in paths if blob not in found]
        for start in range(0, len(missing), _BLOBS):
            group = missing[start : start + _BLOBS]
            for blob, data in zip(group, objects.read_all(group), strict=True):
                found[blob] = None if data is None else identified(paths[blob], data)
        self._remember(_BEGINNING, {blob: found[blob] for blob in missing})
        return found

    def _read(self, tree: Tree, paths: Sequence[str], blobs: Mapping[str, BlobId]) -> dict[str, Read]:
        found: dict[str, Read] = {}
        learned: dict[str, dict[BlobId, Read]] = {_RAW: {}, _ON_DISK: {}}
        for path, data in tree.read_all(paths).items():
            found[path] = read_script_bytes(path, data)
            blob = blobs.get(path)
            if blob is not None:
                raw = not isinstance(tree, WorkTree) or blob == _id(data, len(blob))
                learned[_RAW if raw else _ON_DISK][blob] = found[path]
        for kind, scripts in learned.items():
            self._remember(kind, scripts)
        return found

    def _looked_up(self, kind: str, blobs: Iterable[BlobId]) -> dict[BlobId, Script]:
        wanted = dict.fromkeys(blobs)
        missing = [blob for blob in wanted if (kind, blob) not in self._known]
        if missing:
            for blob, script in _unpacked(self._facts.find_all(kind, missing)):
                self._known[kind, BlobId(blob)] = script
        return {blob: self._known[kind, blob] for blob in wanted if (kind, blob) in self._known}

    def _remember(self, kind: str, scripts: Mapping[BlobId, Read]) -> None:
        # What another Python could read, and what a file's name says, is no fact of the blob.
        sure = {
            blob: script
            for blob, script in scripts.items()
            if isinstance(script, Script) and script.revision_line is not None
        }
        self._known.update({(kind, blob): script for blob, script in sure.items()})
        self._facts.store(kind, {blob: _packed(script) for blob, script in sure.items()})


def identified(path: str, data: bytes) -> Read:
    """The script by what stands before the first function; by all of it where that does not say."""
    read: Read = None
    for text in dict.fromkeys((_before_code(data), data)):
        read = read_script_bytes(path, text)
        if isinstance(read, Script):
            break
    return read


def _before_code(data: bytes) -> bytes:
    """What stands before the first function or class, if no identifier is given a value after that."""
    code = _CODE.search(data)
    return data[: code.start()] if code is not None and not _ASSIGNED.search(data, code.start()) else data


def _blobs(tree: Tree, paths: Sequence[str]) -> dict[str, BlobId]:
    """The blobs of plain files."""
    if not isinstance(tree, GitTree):
        return {}
    found = {path: tree.entry(path) for path in paths if not path.startswith("/")}
    return {path: one.blob for path, one in found.items() if one is not None and one.mode.startswith("100")}


def _id(data: bytes, length: int) -> str:
    """The blob id of some bytes, as long as ``length`` says."""
    make = hashlib.sha1 if length == 40 else hashlib.sha256
    return make(b"blob %d\0" % len(data) + data).hexdigest()


def _at(script: Script, path: str) -> Script:
    return script if script.path == path else replace(script, path=path)


def _packed(script: Script) -> bytes:
    row = [
        script.revision,
        script.down_revisions,
        script.path,
        script.depends_on,
        script.branch_labels,
        script.nameless_branch,
        script.message,
        script.title,
        header_row(script.header),
        script.squashes,
        script.backport_of,
        script.open_lines,
        script.revision_line,
        script.parents_line,
    ]
    return json.dumps(row, separators=(",", ":")).encode()


def _unpacked(facts: Mapping[str, bytes]) -> list[tuple[str, Script]]:
    """The scripts of some facts; none if one of them is damaged."""
    try:
        # One text is parsed much faster than thousands.
        rows = json.loads(b"[" + b",".join(facts.values()) + b"]")
        return [(blob, _script(row)) for blob, row in zip(facts, rows, strict=True)]
    except (ValueError, TypeError, KeyError):
        return []


def _script(row: Sequence[Any]) -> Script:
    revision, down, path, needs, labels, nameless, *row = row
    message, title, header, squashes, backport, lines, one, two = row
    return Script(
        revision=revision,
        down_revisions=tuple(down),
        path=path,
        depends_on=tuple(needs),
        branch_labels=tuple(labels),
        nameless_branch=nameless,
        message=message,
        title=title,
        header=header_of_row(header),
        squashes=tuple(squashes),
        backport_of=backport,
        open_lines=tuple(lines),
        revision_line=one,
        parents_line=two,
    )

"""Schemas that were computed before, kept under the private git directory.

A schema is stored with its manifest: what the import depended on. A tree in which all of that is equal
has that schema. The cache is only ever an answer that could be computed again: a file that is missing,
damaged or written by another version counts as absent, and a failing write is ignored.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gitmig import __version__
from gitmig.core.schema.facets import Schema, digest, from_json, to_json
from gitmig.facts.manifest import (
    asked_seen,
    content_of,
    file_changed,
    files_seen,
    listings_seen,
    lookups_seen,
    names_unchanged,
    unchanged,
)
from gitmig.state.files import write_beside_others
from gitmig.wire.values import Manifest

if TYPE_CHECKING:
    from gitmig.git.trees import Tree

_KEPT = 64
_PARTS = ("files", "lookups", "listings", "asked")


def manifest_of(
    tree: Tree,
    files: Iterable[str],
    lookups: Iterable[str],
    listings: Iterable[str],
    asked: Iterable[str],
    top: Path,
) -> Manifest:
    """What an import that read these files, looked these names up, listed these folders and asked for these
    paths saw in ``tree``.

    Files that the tree does not hold (ignored, generated modules) are taken from ``top`` by content.
    """
    return Manifest(
        files=files_seen(tree, files, top),
        lookups=lookups_seen(tree, lookups),
        listings=listings_seen(tree, listings),
        asked=asked_seen(tree, asked, top),
    )


def parts_of(manifest: Manifest) -> dict[str, Mapping[str, str]]:
    """A manifest as JSON has it, and as it is compared with a tree."""
    return {name: getattr(manifest, name) for name in _PARTS}


def reads(manifest: Manifest, path: str) -> bool:
    """Whether an import read a file, listed a folder above it, or may have asked for it or its folders."""
    parts = path.split("/")
    above = {"/".join(parts[:count]) for count in range(len(parts))}
    if not {path, *above}.isdisjoint(manifest.asked):
        return True
    # A submodule is changed as a whole.
    inside = any(file == path or file.startswith(f"{path}/") for file in manifest.files)
    return inside or not above.isdisjoint(manifest.listings)


@dataclass(frozen=True, slots=True)
class SchemaCache:
    """The cache of one repository. ``folder`` is made when something is first stored."""

    folder: Path

    def find(self, tree: Tree, circumstances: str, top: Path) -> Schema | None:
        """The schema of a tree whose manifest is known under the same circumstances, or None.

        ``circumstances`` names all that is not in the tree: interpreter, options, environment.
        """
        found = self._entry(tree, circumstances, top)
        return None if found is None else self.schema(found[1])

    def manifest_for(self, tree: Tree, circumstances: str, top: Path) -> Manifest | None:
        """The manifest by which the schema of a tree is known, or None."""
        found = self._entry(tree, circumstances, top)
        return None if found is None else found[0]

    def _entry(self, tree: Tree, circumstances: str, top: Path) -> tuple[Manifest, str] | None:
        # Those that do not hold mostly differ in the same few files.
        suspects: dict[str, str] = {}
        for entry in self._manifests():
            known = _manifest(entry) if entry.get("circumstances") == circumstances else None
            if known is None or any(known.files.get(path, now) != now for path, now in suspects.items()):
                continue
            changed = file_changed(tree, known.files, top)
            if changed is not None:
                suspects[changed] = content_of(tree, changed, top)
            elif names_unchanged(tree, parts_of(known), top):
                return known, str(entry.get("schema"))
        return None

    @staticmethod
    def holds(known: Manifest, tree: Tree, top: Path) -> bool:
        """Whether all that a manifest names is the same in a tree."""
        return unchanged(tree, parts_of(known), top)

    def schema(self, schema_digest: str) -> Schema | None:
        """A stored schema by its digest, or None where none is stored that has it."""
        try:
            stored = from_json(json.loads((self.folder / f"schema-{schema_digest}.json").read_text("utf-8")))
        except (OSError, ValueError):
            return None
        return stored if digest(stored) == schema_digest else None

    def manifest(self, schema_digest: str) -> Manifest | None:
        """The newest manifest that led to a schema, or None."""
        for entry in self._manifests():
            if entry.get("schema") == schema_digest:
                return _manifest(entry)
        return None

    def reads(self, path: str) -> bool:
        """Whether any known import read a file, or listed a folder above it."""
        return any(known is not None and reads(known, path) for known in map(_manifest, self._manifests()))

    def store(self, schema: Schema, manifest: Manifest | None, circumstances: str) -> None:
        """Remember a schema, and that a tree with this manifest has it; None if no manifest says that."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_beside_others(self.folder / f"schema-{digest(schema)}.json", json.dumps(to_json(schema)))
            if manifest is None:
                return
            entry: dict[str, object] = {
                "circumstances": circumstances,
                "schema": digest(schema),
                **parts_of(manifest),
            }
            entries = [entry, *(other for other in self._manifests() if other != entry)]
            write_beside_others(
                self._index, json.dumps({"gitmig": __version__, "manifests": entries[:_KEPT]})
            )

    def proof(self, key: str) -> object:
        """What came of a proof before, as it was stored; None if that is not known."""
        return self._proofs().get(key)

    def store_proof(self, key: str, outcome: object) -> None:
        """Remember what came of a proof, a JSON value; ``key`` digests all that it depends on."""
        known = self._proofs()
        if known.get(key) == outcome:
            return
        proofs = dict(
            [(key, outcome), *((other, was) for other, was in known.items() if other != key)][:_KEPT]
        )
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_beside_others(
                self.folder / "proofs.json", json.dumps({"gitmig": __version__, "proofs": proofs})
            )

    def _proofs(self) -> dict[str, object]:
        try:
            stored = json.loads((self.folder / "proofs.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(stored, dict) or stored.get("gitmig") != __version__:
            return {}
        proofs = stored.get("proofs")
        return proofs if isinstance(proofs, dict) else {}

    @property
    def _index(self) -> Path:
        return self.folder / "manifests.json"

    def _manifests(self) -> list[dict[str, object]]:
        try:
            now = os.stat(self._index)
        except OSError:
            return []
        # One command asks for many trees.
        return _read_manifests(self._index, (now.st_ino, now.st_mtime_ns, now.st_size))


@functools.lru_cache(maxsize=1)
def _read_manifests(path: Path, stamp: tuple[int, int, int]) -> list[dict[str, object]]:
    """The manifests of a file, while its ``stamp`` is this."""
    try:
        stored = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(stored, dict) or stored.get("gitmig") != __version__:
        return []
    entries = stored.get("manifests")
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _manifest(entry: Mapping[str, object]) -> Manifest | None:
    parts = {name: part for name in _PARTS if isinstance(part := entry.get(name), dict)}
    return Manifest(**parts) if len(parts) == len(_PARTS) else None

"""Projects that number their revisions: the numbers that go on, and two sides that took the same. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.wire.values import RevisionId


def renumbered(
    known: Mapping[RevisionId, str], moving: Sequence[RevisionId], taken: Sequence[RevisionId]
) -> dict[RevisionId, RevisionId]:
    """New ids for ``moving``, oldest first, where the project numbers its revisions; else none.

    ``taken`` are the ids of the others, ``known`` the path of each revision. They go on from the highest
    number; a revision whose number is higher than all below it keeps it.
    """
    numbers = [_number(revision) for revision in known]
    if len(numbers) < 2 or None in numbers:
        return {}
    found: dict[RevisionId, RevisionId] = {}
    highest = max((number for each in taken if (number := _number(each)) is not None), default=0)
    for revision in moving:
        number = _number(revision) or 0
        if number <= highest:
            number = highest + 1
            found[revision] = RevisionId(f"{number:0{len(revision)}d}")
        highest = number
    return found


def _number(text: str) -> int | None:
    """The number that an id is. What is as long as a date or as Alembic's own ids counts no revisions."""
    return int(text) if re.fullmatch(r"\d{1,5}", text) else None


def renamed(path: str, revision: RevisionId, other: RevisionId) -> str:
    """The path of a script whose file name begins with its id, for another id."""
    folder, slash, name = path.rpartition("/")
    if other == revision or not re.match(rf"{re.escape(revision)}(?![0-9A-Za-z])", name):
        return path
    return f"{folder}{slash}{other}{name[len(revision) :]}"


def numbered_names(known: Mapping[RevisionId, str], moving: Sequence[RevisionId]) -> dict[RevisionId, str]:
    """New paths for ``moving``, oldest first, if every file name begins with a number that counts up.

    ``known`` is the path of each revision, the older before the newer. Empty if names are not numbered.
    """
    found = {
        revision: re.match(r"(\d{2,5})(?=[_-])", path.rpartition("/")[2]) for revision, path in known.items()
    }
    if len(found) < 2 or not all(found.values()):
        return {}
    numbers = {revision: match[1] for revision, match in found.items() if match is not None}
    if any(re.fullmatch(r"(?:19|20)\d\d", number) for number in numbers.values()):
        return {}  # a year
    names: dict[RevisionId, str] = {}
    highest = max((int(number) for revision, number in numbers.items() if revision not in moving), default=0)
    for revision in moving:
        number = int(numbers[revision])
        if number <= highest:
            number = highest + 1
            folder, slash, name = known[revision].rpartition("/")
            digits = len(numbers[revision])
            names[revision] = f"{folder}{slash}{number:0{digits}d}{name[digits:]}"
        highest = number
    return names


def apart(graph: Graph, others: Collection[str]) -> tuple[Graph, dict[RevisionId, Script]]:
    """The graph with new numbers for the scripts that have an id of the other side, if all ids are numbers.

    ``others`` are the paths of the side that stays. Also returns those scripts as they are written, by their
    new ids; what is no matter of numbers stays as it is.
    """
    scripts = [*graph.scripts.values(), *(second for _, second in graph.duplicates)]
    twice = {first.revision for first, _ in graph.duplicates}
    ours = [script for script in scripts if script.path not in others]
    clashing = [script for script in ours if script.revision in twice]
    numbers = [number for script in scripts if (number := _number(script.revision)) is not None]
    if len(numbers) < len(scripts) or len(clashing) != len(twice):
        return graph, {}
    new: dict[RevisionId, RevisionId] = {}
    highest = max(numbers)
    for script in sorted(clashing, key=lambda script: int(script.revision)):
        highest += 1
        new[script.revision] = RevisionId(f"{highest:0{len(script.revision)}d}")
    moved = {
        script.path: replace(
            script,
            revision=new.get(script.revision, script.revision),
            down_revisions=tuple(new.get(parent, parent) for parent in script.down_revisions),
        )
        for script in ours
    }
    written = {moved[script.path].revision: script for script in ours if moved[script.path] != script}
    return Graph.of(moved.get(script.path, script) for script in scripts), written

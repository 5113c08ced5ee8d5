"""The person's part of ``revise``: renames, and what becomes of the draft."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum, auto
from pathlib import Path

from gitmig.errors import Refused
from gitmig.model import FacetChange, Script
from gitmig.person import Person
from gitmig.schema import render
from gitmig.scripts import read_script
from gitmig.worker_client import Draft


class Verdict(Enum):
    """What is to become of a draft."""

    APPLY = auto()
    DRAFT = auto()
    QUIT = auto()


def answered_renames(
    person: Person, candidates: Iterable[tuple[str, str, str]]
) -> tuple[tuple[str, str, str], ...]:
    """The candidates (table, old column, new column) that the person calls a rename.

    A column that was renamed once is not asked about again.
    """
    renames: list[tuple[str, str, str]] = []
    for table, old, new in candidates:
        taken = any(table == t and (old == o or new == n) for t, o, n in renames)
        if not taken and person.confirm(f"Was {table}.{old} renamed to {table}.{new}?"):
            renames.append((table, old, new))
    return tuple(renames)


def review(
    person: Person,
    draft_only: bool,
    file: Path,
    draft: Draft,
    changes: Sequence[FacetChange],
    undecided: bool,
) -> Verdict:
    """Decide about the draft in ``file``; on a terminal it is shown and may be edited.

    Raises Refused where nobody is there and something is left to decide; the draft stays.
    """
    if draft_only:
        return Verdict.DRAFT
    if not person.present:
        _require_decided(file, draft, undecided)
        return Verdict.APPLY
    title = "\n".join(render(change) for change in changes)
    while True:
        person.show(title, file.read_text("utf-8"))
        match person.choose("Apply and commit?", _choices(file)):
            case "a":
                return Verdict.APPLY
            case "e":
                person.edit(file)
            case "d":
                return Verdict.DRAFT
            case _:
                return Verdict.QUIT


def _choices(file: Path) -> list[tuple[str, str]]:
    choices = [("e", "edit it"), ("d", "save it as a draft"), ("q", "quit")]
    if _open_lines(file):
        return choices
    return [("a", "apply and commit"), *choices]


def _require_decided(file: Path, draft: Draft, undecided: bool) -> None:
    hint = f"review {file.name}, then: gitmig upgrade --commit"
    lines = _open_lines(file)
    if lines:
        raise Refused(
            f"the draft {file.name} has something to write by hand (line {lines[0]}); nothing was applied",
            hint=hint,
        )
    if undecided:
        table, old, new = draft.rename_candidates[0]
        raise Refused(
            f"{table}.{old} may have been renamed to {table}.{new}; "
            f"the draft {file.name} drops and adds it, and nothing was applied",
            hint=f"{hint}  (or answer on a terminal: gitmig revise --amend)",
        )
    if draft.drops:
        raise Refused(f"the draft {file.name} drops {', '.join(draft.drops)}; nothing was applied", hint=hint)


def _open_lines(file: Path) -> tuple[int, ...]:
    script = read_script(file.name, file.read_text("utf-8"))
    return script.open_lines if isinstance(script, Script) else ()

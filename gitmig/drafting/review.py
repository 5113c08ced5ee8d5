"""The person's part of ``revise``: renames, and what becomes of the draft."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from gitmig.core.prompter import Prompter
from gitmig.core.revisions.programs import idle
from gitmig.core.revisions.scripts import Script, read_script_bytes
from gitmig.core.schema.facets import FacetChange, render
from gitmig.drafting.answers import Named
from gitmig.drafting.draft_file import DraftFile
from gitmig.drafting.proving import Proof, ProofOutcome
from gitmig.errors import Declined, Refused
from gitmig.rpc.protocol import Draft


class Decision(Enum):
    """What is to become of a draft."""

    APPLY = auto()
    DRAFT = auto()
    QUIT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A draft as it was made, and what there is to know about it before it is applied."""

    draft: Draft
    changes: tuple[FacetChange, ...]
    doubt: str | None
    """A question about it that nobody answered."""
    proof: Proof | None
    """None: there is nothing to prove."""
    commit: bool
    """Whether applying it goes on to a commit."""
    way_on: str
    """The command that goes on from a draft which was not applied."""


def answered_renames(
    prompter: Prompter, candidates: Iterable[tuple[str, str, str]]
) -> tuple[tuple[str, str, str], ...]:
    """The candidates (table, old column, new column) that the person calls a rename.

    A column that was renamed once is not asked about again.
    """
    renames: list[tuple[str, str, str]] = []
    for table, old, new in candidates:
        taken = any(table == t and (old == o or new == n) for t, o, n in renames)
        if not taken and prompter.confirm(f"Was {table}.{old} renamed to {table}.{new}?"):
            renames.append((table, old, new))
    return tuple(renames)


def answered_fills(prompter: Prompter, columns: Iterable[str]) -> tuple[Named, ...]:
    """The values, as SQL, that a person gives for the rows that are there. Raises Declined without one."""
    fills: list[Named] = []
    for each in columns:
        table, _, column = each.rpartition(".")
        value = prompter.ask(
            f"{each} may not be NULL: which value have the rows that are there (SQL)? [?]", _VALUES
        )
        if not value:
            raise Declined("nothing was changed")
        fills.append((table, column, value))
    return tuple(fills)


def review(prompter: Prompter, file: DraftFile, reviewed: Reviewed) -> Decision:
    """Decide about the draft; on a terminal it is shown and may be edited.

    Raises Refused if nobody is there and something is left to decide; the draft stays.
    """
    if not prompter.present:
        _require_decided(file, reviewed)
        return Decision.APPLY
    title = "\n".join(render(change) for change in reviewed.changes)
    while True:
        prompter.show(title, _text(file))
        problem = unfit(file, reviewed)
        if problem is not None:
            prompter.tell(problem)
            for line in reviewed.proof.lines if reviewed.proof is not None else ():
                prompter.tell(f"  {line}")
        match prompter.choose(_question(reviewed, problem), _choices(reviewed, problem)):
            case "a":
                return Decision.APPLY
            case "e":
                prompter.edit(file.file)
            case "d":
                return Decision.DRAFT
            case _:
                return Decision.QUIT


_VALUES = (
    ("0", "a number"),
    ("''", "the empty text; 'a text' stands in quotes"),
    ("now()", "whatever the database works out: a function, or another column of the row"),
    ("Enter", "change nothing"),
)


def unfit(file: DraftFile, reviewed: Reviewed) -> str | None:
    """Why the draft as it stands cannot be applied, or None."""
    script = read_script_bytes(file.path, file.file.read_bytes())
    if not isinstance(script, Script):
        reason = script.reason if script is not None else "it has no revision identifier"
        return f"the revision identifiers of {file.path} cannot be read: {reason}"
    if script.open_lines:
        name = file.file.name
        return f"the draft {name} has something to write by hand (line {script.open_lines[0]})"
    if reviewed.proof is not None and reviewed.proof.outcome is ProofOutcome.DISPROVEN:
        return f"the draft {file.file.name} is not proven: {reviewed.proof.reason}"
    if idle(_text(file)):
        why = "does nothing, and the models change" if reviewed.changes else "does nothing yet"
        return f"upgrade() of {file.file.name} {why}"
    return None


def _question(reviewed: Reviewed, problem: str | None) -> str:
    if problem is not None:
        return "What now?"
    return "Apply and commit?" if reviewed.commit else "Apply and stage?"


def _choices(reviewed: Reviewed, problem: str | None) -> list[tuple[str, str]]:
    choices = [("e", "edit it"), ("d", "save it as a draft"), ("q", "quit")]
    if problem is not None:
        return choices
    return [("a", f"apply and {'commit' if reviewed.commit else 'stage'}"), *choices]


def _require_decided(file: DraftFile, reviewed: Reviewed) -> None:
    problem = unfit(file, reviewed) or reviewed.doubt or _losses(file, reviewed.draft)
    if problem is not None:
        lines = reviewed.proof.lines if reviewed.proof is not None else ()
        detail = "\n".join(lines) or None
        raise Refused(f"{problem}; nothing was applied", hint=reviewed.way_on, detail=detail)


def _losses(file: DraftFile, draft: Draft) -> str | None:
    return f"the draft {file.file.name} drops {', '.join(draft.drops)}" if draft.drops else None


def _text(file: DraftFile) -> str:
    return file.file.read_text("utf-8", errors="replace")

"""Whether what a plan takes down can be taken down: told from the scripts' text, before anything moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gitmig.core.revisions.scripts import DOES_NOTHING, irreversible
from gitmig.errors import Refused
from gitmig.wire.values import RevisionId

STAY = "stay on a side that has it, or move the database by hand"


def require_reversible(
    scripts: Iterable[tuple[RevisionId, str]], hint: Callable[[RevisionId], str] = lambda revision: STAY
) -> tuple[str, ...]:
    """What to say of downgrades that merely do nothing; ``scripts`` are texts, newest first.

    Raises Refused for the first revision that cannot be undone, with the ``hint`` for going as far as there
    if that is any way at all.
    """
    idle = []
    for number, (revision, text) in enumerate(scripts):
        reason = irreversible(text)
        if reason == DOES_NOTHING:
            idle.append(f"{revision} is undone by a downgrade() that does nothing")
        elif reason is not None:
            way = hint(revision) if number else STAY
            raise Refused(f"{revision} cannot be undone: {reason}", hint=way)
    return tuple(idle)

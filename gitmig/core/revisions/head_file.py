"""The head file: one line a head, so that git itself stops a second merge that would make two heads. Pure."""

from __future__ import annotations

from gitmig.core.revisions.graph import Graph

NAME = "heads.txt"
"""Its name in the first versions folder; Alembic reads none but ``.py``."""


def head_file(graph: Graph) -> str:
    """What it is to hold: each head with its message, sorted."""
    lines = (f"{head} {graph.scripts[head].message}".rstrip() for head in graph.heads)
    return "".join(f"{line}\n" for line in lines)


def named_in(text: str) -> tuple[str, ...] | None:
    """The heads that it names, sorted; None if it has conflict markers, or is anything else."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if any(words[0][:7] in ("<<<<<<<", "=======", ">>>>>>>", "|||||||") for words in lines):
        return None
    return tuple(sorted(words[0] for words in lines))

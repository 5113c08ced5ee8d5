"""Who is asked when a command needs a decision: a protocol, so that operations never touch a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from gitmig.core.plan import Plan


class Prompter(Protocol):
    """The command line's stand-in for whoever runs it."""

    @property
    def present(self) -> bool:
        """Whether somebody is there to answer (a terminal, and no ``--yes``)."""

    @property
    def agreed(self) -> bool:
        """Whether ``--yes`` was given."""

    def confirm(self, question: str, *, plan: Plan | None = None, details: Sequence[str] = ()) -> bool:
        """Show what is about to happen and ask for a yes."""

    def ask(self, question: str, meanings: Sequence[tuple[str, str]] = ()) -> str:
        """Ask for a text; nothing is no answer. ``meanings`` explain what may be typed."""

    def choose(self, question: str, choices: Sequence[tuple[str, str]]) -> str:
        """Ask for one of the choices ((key, what it does)) until one is named."""

    def show(self, title: str, text: str) -> None:
        """Show a text, such as a drafted revision."""

    def edit(self, path: Path) -> None:
        """Open the person's editor on a file and wait."""

    def tell(self, line: str) -> None:
        """One line about what is going on."""

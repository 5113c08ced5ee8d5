"""The person at the terminal. Questions and progress go to stderr: stdout is data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.syntax import Syntax

from gitmig.cli.progress import paused
from gitmig.core.plan import Plan
from gitmig.errors import Declined, UsageError
from gitmig.render import consoles
from gitmig.render.harmless import harmless
from gitmig.render.plans import plan_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Asks where stdin and stderr are terminals and ``--yes`` was not given."""

    agreed: bool
    quiet: bool = False

    @property
    def present(self) -> bool:
        """Whether somebody is there to answer."""
        return not self.agreed and not self.quiet and sys.stdin.isatty() and sys.stderr.isatty()

    def confirm(self, question: str, *, plan: Plan | None = None, details: Sequence[str] = ()) -> bool:
        """Show the plan and the details, and ask; no answer is a no."""
        if self.agreed:
            return True
        for line in (*(plan_lines(plan) if plan is not None else ()), *details):
            self._print(f"  {line}")
        meanings = (("y", "go on"), ("n", "change nothing; so does Enter"))
        return self._explained(f"{question} [y/N/?] ", meanings).lower() in ("y", "yes")

    def ask(self, question: str, meanings: Sequence[tuple[str, str]] = ()) -> str:
        """The line that is typed."""
        return self._explained(f"{question} ", meanings)

    def choose(self, question: str, choices: Sequence[tuple[str, str]]) -> str:
        """Ask until one of the keys is typed; Enter means nothing, so that nothing happens by accident."""
        keys = [key for key, _ in choices]
        while True:
            answer = self._explained(f"{question} [{'/'.join(keys)}/?] ", choices).lower()
            if answer[:1] in keys and answer:
                return answer[0]

    def show(self, title: str, text: str) -> None:
        """The title's lines, then the text as Python."""
        console = Console(stderr=True, highlight=False, emoji=False)
        for line in title.splitlines():
            console.print(f"  {harmless(line)}", style=_style(line), markup=False)
        console.print(Syntax(harmless(text), "python", theme="ansi_dark", background_color="default"))

    def edit(self, path: Path) -> None:
        """The editor that git would take, on the file.

        Raises UsageError if there is none, or where it fails.
        """
        editor = _editor(path.parent)
        if editor is None:
            raise UsageError("there is no editor", hint="git config core.editor EDITOR")
        # As git does it: the setting is a shell's command line. stdout is data, and no place for an editor.
        with paused():
            done = subprocess.run(["sh", "-c", f'{editor} "$@"', editor, str(path)], stdout=2, check=False)
        if done.returncode:
            raise UsageError(
                f"the editor {editor!r} ended with exit code {done.returncode}",
                hint="git config core.editor EDITOR",
            )

    def tell(self, line: str) -> None:
        """One line about what is going on."""
        if not self.quiet:
            self._print(line)

    def _explained(self, question: str, meanings: Sequence[tuple[str, str]]) -> str:
        """The answer to a question; ``?`` has the meanings explained first."""
        while (answer := self._answer(question)) == "?" and meanings:
            for key, meaning in meanings:
                self._print(f"  {key}  {meaning}")
        return answer

    def _answer(self, question: str) -> str:
        sys.stderr.write(harmless(question))
        sys.stderr.flush()
        with paused():
            line = sys.stdin.readline()
        if not line:
            raise Declined("nobody answered; nothing was changed")
        return line.strip()

    def _print(self, line: str) -> None:
        style = _style(line.strip())
        if style is None:
            sys.stderr.write(f"{harmless(line)}\n")
            sys.stderr.flush()
            return
        console = consoles.status()
        console.print(harmless(line), style=style, markup=False)


def _editor(folder: Path) -> str | None:
    found = os.environ.get("GIT_EDITOR")
    if not found:
        answer = subprocess.run(
            ["git", "var", "GIT_EDITOR"], cwd=folder, capture_output=True, text=True, check=False
        )
        found = answer.stdout.strip() if answer.returncode == 0 else None
    return found or os.environ.get("VISUAL") or os.environ.get("EDITOR")


def _style(line: str) -> str | None:
    return {"+": "green", "-": "red", "~": "yellow"}.get(line[:1]) if line[1:2] == " " else None

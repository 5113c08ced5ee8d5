"""A story told in commands: what each prints is checked, kept, and made the same from run to run."""

from __future__ import annotations

import hashlib
import re
import shlex

from tests import database
from tests.story import Project

_IDS = re.compile(r"(?<![\w.-])([0-9a-f]{12}|[0-9a-f]{7,8})(?![\w.-])")
_SCRIPTS = re.compile(r"(?<=versions/)[0-9a-f]{12}(?=_)")
_MOMENT = re.compile(r"(?:\d{4}-\d\d-\d\d )?\b\d\d:\d\d(:\d\d)?\b")
_SECONDS = re.compile(r"\b\d\.\d{3} s\b")
_BACKUP = re.compile(r"(?<=refs/gitmig/backup/)\d+-[0-9a-f]{8}")
_SERVER = re.compile(r"postgresql\+psycopg2://[^\]\s]+")


SHARED = "DATABASE_URL=$SHARED"
"""Before a command: on the database that is not the developer's own."""


class Story:
    """The lines of a story: comments, commands at somebody's prompt, and what they printed."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.ids: dict[str, str] = {}

    def tell(self, text: str) -> None:
        """A comment before the next command."""
        self._lines += ["", f"# {text}"] if self._lines else [f"# {text}"]

    def add(self, prompt: str, command: str, output: str) -> None:
        """A command, and what it printed."""
        self._lines.append(self.stable(f"{prompt}$ {command}"))
        self._lines += (self.stable(line.rstrip()) for line in output.splitlines())

    def text(self) -> str:
        """The whole of it, with ids and times that are the same in each run."""
        return "\n".join(self._lines) + "\n"

    def stable(self, line: str) -> str:
        """A line with ids and times that are the same in each run."""
        line = _SERVER.sub("postgresql+psycopg2://db.example.org:5432/shared", line)
        line = _BACKUP.sub("1767225600-0a1b2c3d", line)
        line = _SCRIPTS.sub(lambda found: self._id(found[0]), line)
        line = _SECONDS.sub("0.010 s", line)
        line = _IDS.sub(lambda found: self._id(found[0]), line)
        return _MOMENT.sub(lambda found: "2026-01-01 14:02:00" if found[1] else "14:02", line)

    def _id(self, real: str) -> str:
        made = hashlib.sha1(str(len(self.ids)).encode()).hexdigest()[: len(real)]
        return self.ids.setdefault(real, made)


class Developer:
    """Somebody with a clone, whose commands are part of a story."""

    def __init__(self, name: str, project: Project, story: Story, shared: str):
        self.project = project
        self._shared = shared
        self._prompt = name.partition(" ")[0].lower()
        self._story = story
        project.git("config", "user.name", name)
        project.git("config", "user.email", f"{self._prompt}@example.org")

    def does(self, command: str, *, fails: bool = False) -> str:
        """Run ``git …`` or ``gitmig …`` and tell of it; what it printed."""
        words = shlex.split(command)
        env = {"DATABASE_URL": self._shared} if words[0] == SHARED else None
        program, *words = words[1:] if env else words
        call = self.project.gitmig if program == "gitmig" else self.project.try_git
        run = call(*words, env=env)
        # What goes on is told on stderr, before the result.
        said = run.stderr + run.stdout
        assert (run.exit_code != 0) == fails, f"{command}: exit code {run.exit_code}\n{said}"
        self._story.add(self._prompt, command, said)
        return said

    def edits(self, path: str, text: str) -> None:
        """Write text at the end of a file, as ``echo >>`` does."""
        self.project.append(path, text)
        self._story.add(self._prompt, f"echo '{text.rstrip()}' >> {path}", "")

    def replaces(self, path: str, old: str, new: str) -> None:
        """Replace text in a file, as ``sed`` does."""
        text = self.project.read(path)
        assert old in text
        self.project.write(path, text.replace(old, new))
        self._story.add(self._prompt, f"sed -i 's/{old}/{new}/' {path}", "")

    def sees(self, statement: str) -> database.Rows:
        """The rows of a statement in the developer's own database."""
        return database.query(self.project.url, statement)

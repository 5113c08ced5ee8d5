"""The file of a draft: written, taken back, or put aside. A draft that a person edited is never deleted."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

from gitmig.errors import Refused
from gitmig.execute import write_bytes
from gitmig.model import Script
from gitmig.project import Project
from gitmig.scripts import read_script_bytes
from gitmig.worker_client import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftFile:
    """A draft on disk."""

    file: Path
    path: str
    """The same, relative to the top."""
    written: bytes
    """What it held when nobody but the project's own formatters had seen it."""
    old: bytes | None
    """What stood there before, where the head revision is redone."""
    drafts: Path
    """The folder for what is put aside."""

    @property
    def edited(self) -> bool:
        """Whether somebody changed it since."""
        return self.file.read_bytes() != self.written

    def script(self) -> Script:
        """The revision as it stands there. Raises Refused (GM006) where it cannot be read."""
        script = read_script_bytes(self.path, self.file.read_bytes())
        if isinstance(script, Script):
            return script
        reason = script.reason if script is not None else "it has no revision identifier"
        raise Refused(
            f"GM006: the revision identifiers of {self.path} cannot be read: {reason}",
            hint=f"correct {self.path}, then: gitmig upgrade --commit",
        )

    def take_back(self) -> Path | None:
        """As it was before the draft. What a person edited stays, or is put aside; returns where, then."""
        if self.old is not None:
            if self.edited:
                return self.put_aside()
            self._put_back(self.old)
        elif self.edited:
            return self.file
        else:
            self.file.unlink()
        return None

    def put_aside(self) -> Path:
        """The old script stands there again, as the database has it; returns where the draft is kept."""
        kept = self.keep(self.file.read_bytes())
        if self.old is not None:
            self._put_back(self.old)
        return kept

    def keep(self, data: bytes) -> Path:
        """Write a script where nothing else looks for one, beside what was kept there before."""
        names = (
            self.file.name,
            *(f"{self.file.name}.{n}" for n in itertools.islice(itertools.count(1), 9999)),
        )
        kept = next(self.drafts / name for name in names if not (self.drafts / name).exists())
        write_bytes(kept, data)
        return kept

    def _put_back(self, old: bytes) -> None:
        write_bytes(self.file, old)


def write_draft(project: Project, worker: Worker, path: str, text: str, old: bytes | None) -> DraftFile:
    """Write the draft and run the project's own formatters on it.

    Raises Refused where another file has that name, or the folder cannot be written.
    """
    file = project.top / path
    if old is None and (file.exists() or file.is_symlink()):
        raise Refused(
            f"{path} is there already: the file name of a revision is taken",
            hint="give another message, or a file_template with the revision's id (%%(rev)s)",
        )
    try:
        write_bytes(file, text.encode("utf-8"))
    except OSError as error:
        raise Refused(
            f"{path} cannot be written: {error.strerror}", hint=f"make {file.parent} writable"
        ) from None
    drafts = project.git.private() / "drafts"
    draft = DraftFile(file=file, path=path, written=text.encode("utf-8"), old=old, drafts=drafts)
    try:
        worker.format(file)
    except BaseException:
        draft.take_back()
        raise
    return DraftFile(file=file, path=path, written=file.read_bytes(), old=old, drafts=drafts)

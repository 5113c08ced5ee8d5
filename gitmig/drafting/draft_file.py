"""The file of a draft: written, taken back, or put aside. A draft that a person edited is never deleted."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

from gitmig.core.revisions.header import Header, with_header
from gitmig.core.revisions.scripts import Script, read_script_bytes
from gitmig.drafting.intent import Amended
from gitmig.errors import Refused
from gitmig.failpoints import failpoint
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.state.files import write_bytes
from gitmig.state.journal import DraftNote, Logbook, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftFile:
    """A draft on disk."""

    file: Path
    path: str
    """The same, relative to the top."""
    ours: tuple[str, ...]
    """Digests of what it held while nobody but the project's own formatters had seen it."""
    old: bytes | None
    """What stood there before, where the head revision is redone."""
    drafts: Path
    """The folder for what is put aside."""

    @property
    def edited(self) -> bool:
        """Whether somebody changed it since."""
        return digest(self.file.read_bytes()) not in self.ours

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
        kept = next(
            self.drafts / name
            for name in names
            if not (self.drafts / name).exists() or (self.drafts / name).read_bytes() == data
        )
        write_bytes(kept, data)
        return kept

    def _put_back(self, old: bytes) -> None:
        write_bytes(self.file, old)


def write_draft(
    project: Project, worker: Worker, log: Logbook, path: str, text: str, amended: Amended | None
) -> DraftFile:
    """Write the draft, over the script that is redone, and run the project's own formatters on it.

    The journal tells of it from before it is written. Raises Refused if another file has that name, or
    the folder cannot be written.
    """
    file, data = project.top / path, text.encode("utf-8")
    old = amended.disk if amended is not None else None
    held = amended is not None and amended.held
    if old is None and (file.exists() or file.is_symlink()):
        raise Refused(
            f"{path} is there already: the file name of a revision is taken",
            hint="give another message, or a file_template with the revision's id (%%(rev)s)",
        )
    note = DraftNote(path=path, old=old, held=held, ours=(digest(data),))
    log.write(replace(log.journal, draft=note))
    failpoint("draft-begun")
    draft = draft_of(project, note)
    try:
        write_bytes(file, data)
    except OSError as error:
        log.remove()
        raise Refused(
            f"{path} cannot be written: {error.strerror}", hint=f"make {file.parent} writable"
        ) from None
    failpoint("draft-written")
    try:
        worker.format(file)
    except BaseException:
        draft.take_back()
        log.remove()
        raise
    formatted = digest(file.read_bytes())
    if formatted not in note.ours:
        note = replace(note, ours=(*note.ours, formatted))
        log.write(replace(log.journal, draft=note))
    failpoint("draft-formatted")
    return draft_of(project, note)


def record_draft(project: Project, log: Logbook, draft: DraftFile, header: Header | None) -> DraftFile:
    """Write the record into a draft, or take it out; every other byte stays. It is as much ours as before."""
    before = draft.file.read_bytes()
    data = with_header(before.decode("utf-8"), header or Header()).encode("utf-8")
    note = log.journal.draft
    if data == before or note is None:
        return draft
    if not draft.edited:
        note = replace(note, ours=(*note.ours, digest(data)))
        log.write(replace(log.journal, draft=note))
    write_bytes(draft.file, data)
    return replace(draft, ours=note.ours)


def draft_of(project: Project, note: DraftNote) -> DraftFile:
    """The draft that a journal tells of."""
    return DraftFile(
        file=project.top / note.path,
        path=note.path,
        ours=note.ours,
        old=note.old,
        drafts=project.git.private() / "drafts",
    )

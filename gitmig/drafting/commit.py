"""The last step of ``revise`` and of ``upgrade --commit``: models and revision in one commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gitmig.core.revisions.header import Header, with_header
from gitmig.core.revisions.scripts import Script
from gitmig.drafting.material import Material
from gitmig.facts.ties import models_digest
from gitmig.git import commits
from gitmig.git.trees import Tree
from gitmig.moving.commit import commit_paths, end_commit
from gitmig.project.head_file import headed
from gitmig.project.project import Project
from gitmig.state.files import write_bytes
from gitmig.state.journal import CommitNote, Logbook
from gitmig.wire.values import CommitId

TRAILER = "Migration-Revision"


def note_of(material: Material, path: str, *, amend: bool = False) -> CommitNote:
    """What a revision's commit is going to be made of."""
    return CommitNote(
        paths=(path,) if material.staged else (*material.paths, path),
        complete="git commit --amend" if amend else "git commit  (or: gitmig upgrade --commit)",
        removed={},
    )


def commit_revised(
    project: Project, log: Logbook, material: Material, script: Script, message: str | None, *, amend: bool
) -> CommitId:
    """Commit the revision with the models of the material's tree. Raises CommitFailed, Interrupted.

    Without a message the commit that is amended keeps its own.
    """
    subject = None if message is None else subject_of(project, message)
    return commit_paths(
        project.git,
        log,
        subject,
        headed(project, note_of(material, script.path).paths),
        trailers={TRAILER: script.revision},
        amend=amend,
        staged=material.paths if material.staged else (),
        refresh=models_recorder(project, script.path, script.header),
    )


def stage_revised(project: Project, log: Logbook, material: Material, script: Script) -> None:
    """Stage the revision, and the models where they are not staged already as they are meant."""
    try:
        commits.stage(project.git, headed(project, note_of(material, script.path).paths))
    finally:
        end_commit(log)


def subject_of(project: Project, message: str) -> str:
    """The commit's message by the setting ``commit_message``."""
    return project.settings.commit_message.replace("{message}", message)


def models_recorder(project: Project, path: str, header: Header) -> Callable[[], None]:
    """What makes a revision's record name the models as they are now: hooks may have reformatted them."""

    def record() -> None:
        project.forget()
        record_models(project, path, header, project.work_tree)

    return record


def record_models(project: Project, path: str, header: Header, tree: Tree) -> None:
    """Write the content digest of the models of ``tree`` into a revision that has a record."""
    if header.models is None or not project.models:
        return
    rewritten(project.top / path, replace(header, models=models_digest(project, tree)))


def rewritten(file: Path, header: Header) -> None:
    """Replace a script's record; every other byte stays as it is."""
    data = file.read_bytes()
    text = with_header(data.decode("utf-8"), header).encode("utf-8")
    if text != data:
        write_bytes(file, text)

"""The last step of ``revise`` and of ``upgrade --commit``: models and revision in one commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gitmig.execute import commit_paths, write_bytes
from gitmig.git.trees import Tree, content_digest
from gitmig.header import with_header
from gitmig.model import CommitId, Header, Script
from gitmig.operations.drafting import Material
from gitmig.project import Project

TRAILER = "Migration-Revision"


def commit_revised(
    project: Project, material: Material, script: Script, message: str | None, *, amend: bool
) -> CommitId:
    """Commit the revision with the models of the material's tree. Raises CommitFailed, Interrupted.

    Without a message the commit that is amended keeps its own.
    """
    subject = None if message is None else subject_of(project, message)
    complete = "git commit --amend" if amend else "git commit  (or: gitmig upgrade --commit)"
    return commit_paths(
        project.git,
        subject,
        (script.path,) if material.staged else (*material.paths, script.path),
        trailers={TRAILER: script.revision},
        amend=amend,
        staged=material.paths if material.staged else (),
        refresh=models_recorder(project, script.path, script.header),
        complete=complete,
    )


def stage_revised(project: Project, material: Material, script: Script) -> None:
    """Stage the revision, and the models where they are not staged already as they are meant."""
    project.git.stage((script.path,) if material.staged else (*material.paths, script.path))


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
    rewritten(project.top / path, replace(header, models=content_digest(tree, project.models)))


def rewritten(file: Path, header: Header) -> None:
    """Replace a script's record; every other byte stays as it is."""
    data = file.read_bytes()
    text = with_header(data.decode("utf-8"), header).encode("utf-8")
    if text != data:
        write_bytes(file, text)

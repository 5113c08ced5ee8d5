"""``lock``: runs a command while gitmig holds the database's lock."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gitmig.core.prompter import Prompter
from gitmig.errors import UsageError
from gitmig.moving.attempt import tell_waiting
from gitmig.project.project import Project
from gitmig.rpc import interrupts


def lock(project: Project, command: Sequence[str], folder: Path, wait: float, prompter: Prompter) -> int:
    """Run ``command`` in ``folder`` under the lock; its exit code, as a shell has it.

    A gitmig or an env.py with gitmig's lock below the command does not wait for it. Raises LockTimeout if
    somebody else has the lock, or if it was lost meanwhile; UsageError if the command cannot be run.
    """
    code = 0

    def held(variables: dict[str, str]) -> None:
        nonlocal code
        code = _run(command, folder, variables)

    with project.workers.one() as worker:
        worker.lock(held, wait=wait, note=lambda note: tell_waiting(prompter, note))
    return code


def _run(command: Sequence[str], folder: Path, variables: dict[str, str]) -> int:
    try:
        code = interrupts.exit_code_of(
            lambda: subprocess.Popen(command, cwd=folder, env=os.environ | variables)
        )
    except OSError as error:
        raise UsageError(
            f"{command[0]} cannot be run: {error.strerror}", hint="gitmig lock -- alembic upgrade head"
        ) from None
    return code if code >= 0 else 128 - code

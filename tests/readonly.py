"""A repository that nobody may write to, and commands that the files' modes bind even if root runs them."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.story import Project, Result

# root may write everywhere: without this capability it is held to the modes like everybody else.
HELD_TO_MODES = """\
import ctypes, os, sys
CAP_DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24
if os.geteuid() == 0:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0):
        sys.exit(f"cannot drop CAP_DAC_OVERRIDE: {os.strerror(ctypes.get_errno())}")
os.execv(sys.argv[1], sys.argv[1:])
"""


@contextmanager
def made_read_only(project: Project) -> Iterator[Project]:
    """Nobody may write to the project, its folders and its .git included, inside of the block."""
    modes = {path: path.lstat().st_mode for path in (project.top, *project.top.rglob("*"))}
    modes = {path: mode for path, mode in modes.items() if not stat.S_ISLNK(mode)}
    for path, mode in modes.items():
        path.chmod(stat.S_IMODE(mode) & ~0o222)
    try:
        yield project
    finally:
        for path, mode in modes.items():
            path.chmod(stat.S_IMODE(mode))


def held_to_modes(project: Project, *args: str) -> Result:
    """Run gitmig as somebody whom the files' modes bind."""
    command = [sys.executable, "-c", HELD_TO_MODES, sys.executable, "-P", "-m", "gitmig", *args]
    done = subprocess.run(
        command, cwd=project.top, env=project.environment(), capture_output=True, text=True, check=False
    )
    return Result(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)

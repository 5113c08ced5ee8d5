"""What the benchmarks that drive gitmig share: an environment as the tests have it."""

from __future__ import annotations

import os
from pathlib import Path

from tests.story import FIRST_MOMENT

_GIT_CONFIG = """\
[user]
    name = Ada Lovelace
    email = ada@example.org
[init]
    defaultBranch = main
[gc]
    auto = 0
[maintenance]
    auto = false
"""
# Without bytecode each start would compile what is imported from here, and nothing of what is installed.
_DROPPED = (
    "GIT_", "GITMIG_", "LC_", "PG", "PYTHONDONTWRITEBYTECODE", "SSH_", "XDG_",
    "DATABASE_URL", "VIRTUAL_ENV", "CI",
)  # fmt: skip


def seal(home: Path) -> None:
    """Make this process's environment hold nothing of the machine's; ``home`` becomes its home."""
    for name in tuple(os.environ):
        if name.startswith(_DROPPED):
            del os.environ[name]
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitconfig").write_text(_GIT_CONFIG, encoding="utf-8")
    moment = f"{FIRST_MOMENT} +0000"
    os.environ |= {
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_DATE": moment,
        "GIT_COMMITTER_DATE": moment,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
        "COLUMNS": "120",
    }

"""All that decides a schema and is not in a tree: the environment, and what is installed.

The standard library alone: the hook's quick answer needs it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from glob import escape, glob

# Set by shells, terminals, git and hook managers: they differ from call to call and decide no schema.
_IRRELEVANT = (
    *("GIT_", "GITMIG_", "PRE_COMMIT", "PYTEST_", "COV_", "_PYTHON"),
    *("LC_", "SSH_", "XDG_", "GPG_", "TERM", "VSCODE_", "TMUX", "VIRTUAL_ENV"),
)
_IRRELEVANT_NAMES = frozenset(
    """
    _ PWD OLDPWD SHLVL PATH PS1 PROMPT COLUMNS LINES LANG LOGNAME USER MAIL DISPLAY EDITOR VISUAL PAGER
    NO_COLOR FORCE_COLOR CLICOLOR COLORTERM LESS LS_COLORS WINDOWID INVOCATION_ID JOURNAL_STREAM CI
    HOSTNAME SHELL TMPDIR
    """.split()  # noqa: SIM905 - thirty names in quotes are harder to read
)
_INTERPRETERS = ("GITMIG_PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX")
"""The variables that name the project's interpreter; see ``gitmig.rpc.interpreter``."""
_FOLDERS = (".venv", "venv", "env")


def environment() -> list[str]:
    """The variables that can decide a schema, ``NAME=value``, sorted: env.py takes its URL from there."""
    return [f"{key}={value}" for key, value in sorted(os.environ.items()) if _matters(key)]


def _matters(key: str) -> bool:
    return key not in _IRRELEVANT_NAMES and not key.startswith(_IRRELEVANT)


def installed(prefix: str) -> list[str]:
    """When packages were last installed into an interpreter's environment (its folders' times)."""
    folders = [*glob(f"{escape(prefix)}/lib/python*/site-packages"), f"{prefix}/Lib/site-packages"]
    return list(_stamps(folders))


def summary(tops: Iterable[str], settings: bytes) -> str:
    """A digest of the circumstances that needs no settings and no configuration to be read.

    ``tops`` are the folders in which a project's environment may lie, ``settings`` what git's configuration
    says of gitmig. Two equal digests are equal circumstances, where the files of the tree that configure
    the project are equal too.
    """
    named = [f"{name}={os.environ.get(name, '')}" for name in (*_INTERPRETERS, "GITMIG_X")]
    prefixes = [sys.prefix, *(os.environ.get(name) or "" for name in _INTERPRETERS[1:])]
    prefixes += [f"{top}/{folder}" for top in tops for folder in _FOLDERS]
    stamps = [stamp for prefix in dict.fromkeys(prefixes) if prefix for stamp in installed(prefix)]
    parts = [sys.version, os.getcwd(), *named, *stamps, *environment()]
    data = "\0".join(parts).encode("utf-8", "surrogateescape") + b"\0" + settings
    return hashlib.sha256(data).hexdigest()[:16]


def _stamps(folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        try:
            yield f"{folder}:{os.stat(folder).st_mtime_ns}"
        except OSError:
            continue

"""Where git keeps its own files here, without asking git: for the hooks' quick answers."""

from __future__ import annotations

import os


def git_folders() -> tuple[str, str]:
    """The git directory of the current folder's work tree, and the one that all work trees share.

    Raises OSError if the current folder is not the top of a work tree.
    """
    if os.path.abspath(os.environ.get("GIT_WORK_TREE") or ".") != os.getcwd():
        raise FileNotFoundError("the current folder is not the top of the work tree")
    directory = os.environ.get("GIT_DIR") or ".git"
    if os.path.isfile(directory):
        with open(directory, encoding="utf-8", errors="surrogateescape") as file:
            directory = file.read().strip().removeprefix("gitdir: ")
    directory = os.path.abspath(directory)
    try:
        with open(f"{directory}/commondir", encoding="utf-8", errors="surrogateescape") as file:
            return directory, os.path.normpath(os.path.join(directory, file.read().strip()))
    except FileNotFoundError:
        os.stat(f"{directory}/HEAD")
        return directory, directory

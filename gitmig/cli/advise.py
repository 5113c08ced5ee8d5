"""What the hooks after a checkout, a merge and a rebase run. Whatever happens, they are not held up by it.

With ``git config gitmig.sync auto`` they move the database themselves, if nothing has to be asked. With
``git config gitmig.rebase auto`` what leaves two heads is followed by ``gitmig rebase --fix``.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitmig.hooks.advice import Advice
    from gitmig.project.project import Project, ProjectOptions

_WAIT = 5.0
"""Seconds that a checkout may wait for another gitmig."""


def run(words: Sequence[str]) -> None:
    """Print the advice after ``words``, a hook's name and arguments, to stderr; or follow it."""
    from gitmig.hooks.advice import advise, hook_words, may_have_joined

    try:
        words = hook_words(words, os.environ)
        rewritten = _rebase() if may_have_joined(words) and _is_automatic("gitmig.rebase") else ()
        advice = advise(words, rewritten)
        if advice is None:
            return
        reason = _follow(advice) if _is_automatic("gitmig.sync") else None
        if reason != "":
            print(advice.line + (f"  (not synced: {reason})" if reason else ""), file=sys.stderr)
    except (Exception, KeyboardInterrupt):
        return


def _is_automatic(setting: str) -> bool:
    # A gitmig that runs this hook waits for it, and holds what a move needs.
    if os.environ.get("GITMIG_COMMAND_LOCK"):
        return False
    import subprocess

    asked = ["git", "config", "--get", setting]
    done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stdout.strip() == "auto"


def _rebase() -> list[str]:
    """Put this branch's revisions on top of what came in; say why that was not done.

    The environments whose files were rewritten, by what a note calls them.
    """
    from gitmig.errors import GitmigError
    from gitmig.hooks.notes import seen_key
    from gitmig.project.opening import open_projects
    from gitmig.project.project import ProjectOptions

    rewritten = []
    try:
        from pathlib import Path

        for project in open_projects(ProjectOptions(directory=Path(), hook=True)):
            if _rebased(project):
                rewritten.append(seen_key(project))
    except GitmigError as error:
        _print_not_rebased(error.message)
    except Exception as error:
        _print_not_rebased(f"{type(error).__name__}: {error}")
    return rewritten


def _rebased(project: Project) -> bool:
    from contextlib import redirect_stdout

    from gitmig.cli.moving import show
    from gitmig.cli.terminal import Terminal
    from gitmig.errors import GitmigError
    from gitmig.moving.plans import RunOptions
    from gitmig.operations.rebase import RebaseOptions, rebase

    graph = project.graph()
    if len(graph.heads) < 2 and not graph.duplicates:
        return False
    run_options = RunOptions(prompter=Terminal(agreed=True, quiet=True), wait=_WAIT)
    try:
        project.git.conclude()
        result = rebase(project, RebaseOptions(fix=True), run_options)
    except GitmigError as error:
        _print_not_rebased(error.message)
        return False
    if result.done:
        with redirect_stdout(sys.stderr):
            show(project, result)
    return result.done


def _print_not_rebased(reason: str) -> None:
    print(f"not rebased: {reason}; run gitmig rebase", file=sys.stderr)


def _follow(advice: Advice) -> str:
    """Move the database as ``sync`` does; why that was not done, empty if it was."""
    from contextlib import redirect_stdout

    from gitmig.cli.moving import show
    from gitmig.cli.terminal import Terminal
    from gitmig.errors import GitmigError
    from gitmig.moving.consent import is_protected
    from gitmig.moving.plans import RunOptions
    from gitmig.operations.sync import sync
    from gitmig.project.opening import open_project

    run_options = RunOptions(
        prompter=Terminal(agreed=False, quiet=True),
        wait=_WAIT,
        park=True,
        database=advice.database,
        unattended=True,
    )
    try:
        project = open_project(_options(advice))
        if project.repository is not None:
            project.repository.conclude()
        # Before the project's interpreter is started: it would take half a second to come to the same.
        if is_protected(project.repository, advice.database, project.directory):
            return f"{advice.database} is protected"
        result = sync(project, None, run_options)
    except GitmigError as error:
        return error.message
    except KeyboardInterrupt:
        return "interrupted: nothing was changed"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    with redirect_stdout(sys.stderr):
        show(project, result)
    return ""


def _options(advice: Advice) -> ProjectOptions:
    from pathlib import Path

    from gitmig.project.project import ProjectOptions

    # A folder that no file names is found by itself.
    named = advice.environment is None and not advice.config.endswith(".py")
    return ProjectOptions(
        directory=Path(),
        config=Path(advice.config) if named else None,
        section=advice.section if named else "alembic",
        environment=advice.environment,
        hook=True,
    )

"""What the Tab key offers: commands, options, revisions, targets, refs and environments.

The shell waits for it at each press. It imports little, runs none of the project's code, and says nothing
rather than something wrong: a broken repository has no candidates.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from gitmig.cli.table import FORMATS, GROUPS, MORE_FORMATS, OPTIONS, SUMMARIES
from gitmig.cli.words import TAKES_VALUE
from gitmig.render.harmless import harmless

if TYPE_CHECKING:
    from gitmig.core.revisions.graph import Graph
    from gitmig.project.project import ProjectOptions

Found = tuple[str, str]
"""A word, and what it means; empty if it says that itself."""
Source = Callable[[Sequence[str]], Iterator[Found]]
"""What there is of a kind, for the shared options of a command line."""
_SECONDS = 3.0
_ALWAYS = ("--help", *(name for name in TAKES_VALUE if name.startswith("--")))


def run(shell: str, line: str, part: str | None = None) -> None:
    """Print what may stand at the end of ``line``, the command line up to the cursor, for a shell to read.

    ``part`` is the end of the last word that bash replaces; it takes ``--onto=main`` for several words.
    """
    try:
        signal.setitimer(signal.ITIMER_REAL, _SECONDS)  # the process ends
        words = _words(line)
        for word, meaning in _candidates(words[1:-1], words[-1]):
            if word.startswith(words[-1]):
                word = word if part is None else word[len(words[-1]) - len(part) :]
                print(_shown(shell, word, " ".join(harmless(meaning).split())), flush=True)
    except (Exception, KeyboardInterrupt):
        return


def _words(line: str) -> list[str]:
    """The words of a line, the last one being what is typed so far."""
    try:
        words = shlex.split(line)
    except ValueError:
        return []  # within quotes there is nothing of ours
    return words if line.rstrip() == line and words else [*words, ""]


def _shown(shell: str, word: str, meaning: str) -> str:
    if shell == "bash":
        return word
    if shell == "zsh":
        word = word.replace("\\", "\\\\").replace(":", "\\:")
        return f"{word}:{meaning}" if meaning else word
    return f"{word}\t{meaning}" if meaning else word


def _candidates(before: Sequence[str], typed: str) -> Iterator[Found]:
    """What may follow the words ``before``, with ``typed`` as its beginning."""
    shared, path, arguments = _command(before)
    if path is None or "--" in before:
        return
    options = {**TAKES_VALUE, **OPTIONS.get(path, {})}
    name, assigned, _ = typed.partition("=")
    if before and options.get(before[-1]):
        yield from _values(path, before[-1], shared)
    elif assigned and options.get(name):
        yield from ((f"{name}={value}", about) for value, about in _values(path, name, shared))
    else:
        if typed.startswith("-"):
            known = [*OPTIONS.get(path, ()), *_ALWAYS, *(() if path else ("--version",))]
            yield from ((name, "") for name in known if name.startswith("--"))
        yield from _places(path, shared, arguments, typed)


def _command(before: Sequence[str]) -> tuple[list[str], str | None, list[str]]:
    """The shared options with their values, the command's name (empty if it is to come), its arguments."""
    shared: list[str] = []
    names: list[str] = []
    arguments: list[str] = []
    rest = iter(before)
    for word in rest:
        own = OPTIONS.get(" ".join(names), {})
        if word in TAKES_VALUE:
            shared += [word, *([next(rest, "")] if TAKES_VALUE[word] else [])]
        elif word.startswith("-") and word != "-":
            if own.get(word):
                next(rest, None)
        elif not names or (names[0] in GROUPS and len(names) == 1):
            names.append(word)
        else:
            arguments.append(word)
    path = " ".join(names)
    known = not names or path in OPTIONS or path in GROUPS
    return shared, path if known else None, arguments


def _places(path: str, shared: Sequence[str], arguments: Sequence[str], typed: str) -> Iterator[Found]:
    """What may stand at the place of an argument."""
    if not path:
        yield from SUMMARIES.items()
        yield from ((name, about) for name, (about, _) in GROUPS.items())
    elif path in GROUPS:
        yield from ((name, "") for name in GROUPS[path][1] if name != "advise")
    elif path == "squash":
        first, dots, _ = typed.rpartition("..")
        yield from ((f"{first}{dots}{one}", about) for one, about in _known(_revisions, shared))
    elif not arguments or path in _SEVERAL:
        for what in _ARGUMENTS.get(path, ()):
            yield from _known(what, shared)


def _values(path: str, option: str, shared: Sequence[str]) -> Iterator[Found]:
    """What may follow an option."""
    if option == "--format":
        yield from ((one, "") for one in (*FORMATS, *MORE_FORMATS.get(path, ())))
    elif option == "--url-env":
        yield from ((one, "") for one in sorted(os.environ))
    elif option in _OF_OPTIONS:
        yield from _known(_OF_OPTIONS[option], shared)


def _known(what: Source, shared: Sequence[str]) -> Iterator[Found]:
    """What a source has; what it cannot have said is nothing."""
    with contextlib.suppress(Exception):
        yield from what(shared)


def _value(shared: Sequence[str], *names: str) -> str | None:
    """The value of a shared option."""
    return dict(pairwise(shared)).get(next((name for name in names if name in shared), ""))


def _options(shared: Sequence[str]) -> ProjectOptions:
    from gitmig.project.project import ProjectOptions

    config = _value(shared, "--config")
    return ProjectOptions(
        directory=Path(_value(shared, "-C") or "."),
        config=None if config is None else Path(config),
        section=_value(shared, "--name") or "alembic",
        environment=_value(shared, "-e", "--environment"),
    )


def _graph(shared: Sequence[str]) -> Graph:
    from gitmig.project.opening import open_project

    return open_project(_options(shared)).graph()


def _revisions(shared: Sequence[str]) -> Iterator[Found]:
    graph = _graph(shared)
    for revision in reversed(graph.topological(graph.scripts)):
        yield (revision, graph.scripts[revision].title)


def _targets(shared: Sequence[str]) -> Iterator[Found]:
    yield from (("head", ""), ("base", ""))
    scripts = _graph(shared).scripts.values()
    yield from ((f"{label}@head", "") for script in scripts for label in script.branch_labels)
    yield from _revisions(shared)


def _up(shared: Sequence[str]) -> Iterator[Found]:
    yield from (("heads", ""), ("+1", "the next revision"))


def _down(shared: Sequence[str]) -> Iterator[Found]:
    yield ("-1", "the revision before")


def _points(shared: Sequence[str]) -> Iterator[Found]:
    yield from ((".", "the work tree"), (":", "the index"), ("db", "the live database"))


def _refs(shared: Sequence[str], remote: str = "refname:short") -> Iterator[Found]:
    from gitmig.git.command import probe

    folder = Path(_value(shared, "-C") or ".")
    for space, what in (("heads", "branch"), ("tags", "tag"), ("remotes", "remote branch")):
        name = remote if space == "remotes" else "refname:lstrip=2"
        listed = probe(folder, "for-each-ref", f"--format=%({name})", f"refs/{space}")
        for ref in listed.decode("utf-8", "replace").splitlines():
            if not ref.endswith("HEAD"):
                yield (ref, what)


def _branches(shared: Sequence[str]) -> Iterator[Found]:
    seen = set()
    for name, what in _refs(shared, "refname:lstrip=3"):
        if name not in seen:
            yield (name, what)
        seen.add(name)


def _environments(shared: Sequence[str]) -> Iterator[Found]:
    from gitmig.project.opening import open_projects, open_repository

    options = replace(_options(shared), environment=None)
    top = replace(options, directory=open_repository(options).top)
    yield from ((project.name, "") for project in open_projects(top))


_ARGUMENTS: dict[str, tuple[Source, ...]] = {
    "upgrade": (_up, _targets),
    "rollback": (_down, _targets),
    "switch": (_branches,),
    "sync": (_refs,),
    "check": (_refs,),
    "tie": (_targets,),
    "show": (_targets,),
    "diff": (_points, _refs, _targets),
    "rebase": (_revisions,),
    "merge": (_revisions,),
    "backport": (_revisions,),
}
"""What the arguments of a command are."""
_SEVERAL = ("diff", "rebase", "merge")
_OF_OPTIONS: dict[str, Source] = {
    "-e": _environments,
    "--environment": _environments,
    "--onto": _refs,
    "--base": _refs,
    "--since": _refs,
    "--head": _targets,
}

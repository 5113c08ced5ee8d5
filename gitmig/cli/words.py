"""The words of a command line, checked before Typer is imported, which is slow."""

from __future__ import annotations

from gitmig.cli.table import ALEMBICS, COMMANDS, GROUPS, MEANT, OPTIONS
from gitmig.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

TAKES_VALUE = {
    "-C": True, "--config": True, "--name": True, "-e": True, "--environment": True, "-x": True,
    "--url-env": True, "--format": True, "-v": False, "--verbose": False, "--debug": False, "--json": False,
}  # fmt: skip
"""Long and short names of the options that every command takes, and whether a value follows."""


def normalised(arguments: Sequence[str], groups: Collection[str]) -> list[str]:
    """The arguments as Typer wants them: common options after the command, ``-2`` as a target.

    ``groups`` are the commands that have commands of their own (``hook``, ``ledger``).
    """
    before, rest = _leading_options(arguments)
    if not rest or rest[0].startswith("-"):
        return rest[:1]  # no command: what is left is --version, --help, or a mistake
    head, rest = rest[:1], rest[1:]
    if head[0] in groups:
        more, rest = _leading_options(rest)
        if not rest or rest[0].startswith("-"):
            return [*head, *rest[:1]]
        before, head, rest = [*before, *more], [*head, rest[0]], rest[1:]
    tail = [*before, *rest]
    if head[:1] in (["rollback"], ["upgrade"]) and "--" not in tail:
        relative = [item for item in tail if item.startswith("-") and item[1:].isdecimal()]
        if relative:
            tail = [*(item for item in tail if item not in relative), "--", *relative]
    return [*head, *tail]


def _leading_options(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    position = 0
    while position < len(arguments) and arguments[position].partition("=")[0] in TAKES_VALUE:
        takes_value = TAKES_VALUE[arguments[position].partition("=")[0]]
        position += 2 if takes_value and "=" not in arguments[position] else 1
    return list(arguments[:position]), list(arguments[position:])


def without_common(arguments: Sequence[str]) -> tuple[str, ...]:
    """The arguments without the options that every command takes: hints repeat those by themselves."""
    own: list[str] = []
    rest = iter(arguments)
    for word in rest:
        name, assigned, _ = word.partition("=")
        if word == "--":
            return (*own, word, *rest)
        if name not in TAKES_VALUE:
            own.append(word)
        elif TAKES_VALUE[name] and not assigned:
            next(rest, None)
    return tuple(own)


def wanted_format(arguments: Sequence[str]) -> str:
    """The format that the arguments ask for, read before they are parsed: usage errors obey it too."""
    for position, item in enumerate(arguments):
        if item == "--":
            break
        if (
            item == "--json"
            or item == "--format=json"
            or list(arguments[position : position + 2]) == ["--format", "json"]
        ):
            return "json"
    return "text"


def require_known(words: Sequence[str]) -> None:
    """Raise UsageError for a command or an option that there is not, with what may have been meant.

    ``words`` are :func:`normalised`. Other mistakes are left to Typer, which takes longer to report them. If
    a command's help is asked for, nothing else counts.
    """
    if not words or words[0].startswith("-"):
        return
    path, rest = "gitmig", list(words)
    _require_command([*COMMANDS, *GROUPS], rest[0], path)
    if rest[0] in GROUPS:
        below, path, rest = GROUPS[rest[0]][1], f"{path} {rest[0]}", rest[1:]
        if not rest or rest[0].startswith("-"):
            return
        _require_command(below, rest[0], path)
    _require_options(f"{path} {rest[0]}", rest[1:])


def _require_command(known: Collection[str], word: str, path: str) -> None:
    if word not in known:
        raise UsageError(f"no such command: {path} {word}", hint=_meant(known, word, path))


def _require_options(path: str, words: Sequence[str]) -> None:
    if "--help" in words or "-h" in words:
        return
    options = {**TAKES_VALUE, **OPTIONS[path.partition(" ")[2]], "-h": False, "--help": False}
    rest = iter(words)
    for word in rest:
        name, assigned, _ = word.partition("=")
        if word == "--":
            return
        if name in options:
            if options[name] and not assigned:
                next(rest, None)
        elif word.startswith("--"):
            import difflib

            close = sorted(difflib.get_close_matches(name, options))
            hint = f"did you mean {close[0]}?" if close else f"{path} --help"
            raise UsageError(f"no such option: {name}", hint=hint)
        elif word.startswith("-") and word != "-":
            return  # several in one word, or a value without a space: Typer knows


def _meant(known: Iterable[str], word: str, path: str) -> str:
    """What to type instead of a word that is no command."""
    import difflib

    top = path == "gitmig"
    if top and word in ALEMBICS:
        return ALEMBICS[word]
    close = difflib.get_close_matches(word, [*known, *(MEANT if top else ())], n=1)
    if not close:
        return f"{path} --help"
    return f"did you mean {MEANT.get(close[0], f'{path} {close[0]}') if top else f'{path} {close[0]}'}?"

"""Our marked block in a hook's script: what it runs, how it goes in, and how it comes out again. Pure."""

from __future__ import annotations

import posixpath
import shlex

BEGIN = "# >>> gitmig >>> (removed by: gitmig hook uninstall)"
_END = "# <<< gitmig <<<"
_CHAINED = "GITMIG_CHAINED"
_NEW = "#!/bin/sh\n"

COMMANDS = {
    "pre-commit": "gitmig check --staged",
    "post-checkout": 'gitmig hook advise post-checkout "$@"',
    "post-merge": 'gitmig hook advise post-merge "$@"',
    "post-rewrite": 'gitmig hook advise post-rewrite "$@"',
}
"""What each hook runs."""
_WHEN = {
    # Nothing is started for files that are put back, and for a new branch right here.
    "post-checkout": '[ "${3:-}" = 1 ] && [ "${1:-}" != "${2:-}" ]',
    "post-merge": "true",
    "post-rewrite": "true",
}


def has_block(text: str) -> bool:
    """Whether our block is in a script."""
    return BEGIN in text


def with_block(name: str, text: str, python: str) -> str:
    """A hook's script with our block in it, which stands first; ``text`` is empty for a new one.

    ``python`` is the interpreter that has gitmig: graphical clients start git with a bare PATH.
    """
    first, newline, rest = (text or _NEW).partition("\n")
    make = _checking if name == "pre-commit" else _advising
    block = make(name, shlex.quote(python), chained=bool(text))
    return f"{first}{newline or chr(10)}{BEGIN}\n{block}{_END}\n{rest}"


def without_block(text: str) -> str | None:
    """The script without our block, byte for byte; None if it held nothing else."""
    before, _, rest = text.partition(BEGIN)
    left = before + rest.partition(_END + "\n")[2]
    return None if left == _NEW and _CHAINED not in text else left


def is_shell(text: str) -> bool:
    """Whether a script is for a shell of the Bourne family."""
    first = text.splitlines()[0]
    if not first.startswith("#!"):
        return False
    program, *words = first.removeprefix("#!").split() or [""]
    name = posixpath.basename(program)
    if name == "env":
        name = next((word for word in words if not word.startswith("-")), "")
    return name in ("sh", "ash", "bash", "dash", "ksh", "zsh")


def _checking(name: str, python: str, *, chained: bool) -> str:
    command = COMMANDS[name]
    # The block stands first and runs the script below by itself: an `exit` or `exec` at its end
    # would otherwise pass every commit in silence.
    below = f'if [ -z "${{{_CHAINED}:-}}" ]; then {_CHAINED}=1 "$0" "$@" || exit $?\n' if chained else ""
    # Commits that the script below makes elsewhere have hooks of their own.
    end = f"exit 0; fi\nunset {_CHAINED}\n" if chained else ""
    return (
        f"{below}"
        f"if [ -x {python} ]; then {python} -P -m {command} || exit $?\n"
        f"elif command -v gitmig >/dev/null 2>&1; then {command} || exit $?\n"
        "else echo 'gitmig is not installed any more: gitmig hook uninstall, or install it' >&2; exit 2\n"
        f"fi\n{end}"
    )


def _advising(name: str, python: str, *, chained: bool) -> str:
    command = COMMANDS[name]
    # The exit code is that of the script below: git hands it on as its own.
    below = f'if [ -z "${{{_CHAINED}:-}}" ]; then gitmig_code=0; {_CHAINED}=1 "$0" "$@" || gitmig_code=$?\n'
    end = f"exit $gitmig_code; fi\nunset {_CHAINED}\n"
    return (
        f"{below if chained else ''}"
        # Ctrl-C ends what is run here, and not the hook.
        f"if {_WHEN[name]}; then ( trap : INT\n"
        f"if [ -x {python} ]; then {python} -P -m {command}\n"
        f"elif command -v gitmig >/dev/null 2>&1; then {command}\n"
        f"fi ) || :; fi\n{end if chained else ''}"
    )

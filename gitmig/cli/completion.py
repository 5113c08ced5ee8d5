"""``gitmig --install-completion`` and ``--show-completion``: what has a shell ask ``complete.py``."""

from __future__ import annotations

import os
from pathlib import Path

from gitmig.errors import UsageError

_BASH = """\
_gitmig() {
    local IFS=$'\\n'
    COMPREPLY=($("$1" --complete bash "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null))
}
complete -o default -F _gitmig gitmig
"""
_ZSH = """\
#compdef gitmig
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
_gitmig() {
    local -a found
    found=("${(@f)$("${(Q)words[1]}" --complete zsh "${(j: :)words[1,CURRENT]}" 2>/dev/null)}")
    if [[ -n ${found[1]} ]]; then _describe gitmig found; else _files; fi
}
compdef _gitmig gitmig
"""
_FISH = """\
complete -c gitmig -f -k -a '(gitmig --complete fish (commandline -cp) 2>/dev/null)'
complete -c gitmig -F -r -s C
complete -c gitmig -F -r -l config
complete -c gitmig -F -r -l seed
complete -c gitmig -F -r -l junit
complete -c gitmig -F -r -s o -l output
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def run(option: str, shell: str | None = None, *more: str) -> int:
    """Print or install the lines for a shell, by default the one of ``$SHELL``; the exit code."""
    shell = shell or os.path.basename(os.environ.get("SHELL", ""))
    if shell not in _SCRIPTS or more:
        raise UsageError(
            f"no completion for the shell {shell!r}", hint=f"gitmig {option} bash, or zsh, or fish"
        )
    if option == "--show-completion":
        print(_SCRIPTS[shell], end="")
        return 0
    try:
        for path in _install(shell):
            print(f"written: {path}")
    except OSError as error:
        raise UsageError(
            f"{error.filename} cannot be written: {error.strerror}", hint=f"gitmig --show-completion {shell}"
        ) from None
    print(f"Open a new {shell}, then: gitmig upgrade <Tab>")
    return 0


def _install(shell: str) -> list[Path]:
    """Write the lines to a file, and have the shell read it; the files that were changed."""
    if shell == "fish":
        return [_written(_folder("XDG_CONFIG_HOME", ".config") / "fish/completions/gitmig.fish", _FISH)]
    file = _folder("XDG_DATA_HOME", ".local/share") / f"gitmig/completion.{shell}"
    settings = _folder("ZDOTDIR", "") / ".zshrc" if shell == "zsh" else Path.home() / ".bashrc"
    line = f'[ -f "{file}" ] && . "{file}"\n'
    text = settings.read_text("utf-8", "surrogateescape") if settings.exists() else ""
    changed = [_written(file, _SCRIPTS[shell])]
    if line not in text:
        end = "" if not text or text.endswith("\n") else "\n"
        with settings.open("a", encoding="utf-8") as there:
            there.write(f"{end}{line}")
        changed.append(settings)
    return changed


def _folder(variable: str, otherwise: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / otherwise)


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path

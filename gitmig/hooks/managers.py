"""Hook managers that own the folder of hooks: which one is there, and what to add to its configuration."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from dataclasses import dataclass
from pathlib import Path

from gitmig.git.repository import Repository
from gitmig.hooks.blocks import COMMANDS

FRAMEWORK = ".pre-commit-config.yaml"
_LOCAL_LINES = {
    "pre-commit": """\
- repo: local
  hooks:
    - {id: gitmig, name: gitmig, entry: gitmig check --staged, language: system, stages: [pre-commit],
       always_run: true, pass_filenames: false, require_serial: true}
""",
    "advice": """\
- repo: local
  hooks:
    - {id: gitmig-advice, name: gitmig advice, entry: gitmig hook advise, language: system, verbose: true,
       stages: [post-checkout, post-merge, post-rewrite], always_run: true, pass_filenames: false}
""",
}
_REMOTE_LINES = """\
- repo: {url}
  rev: {revision}
  hooks:
    - id: {id}
"""
_PREK = "github.com/j178/prek"
_LEFTHOOK = tuple(
    f"{dot}lefthook.{ending}" for dot in ("", ".", ".config/") for ending in ("yml", "yaml", "toml", "json")
)
_LEFTHOOK_LINES = {
    "pre-commit": "gitmig check --staged",
    "post-checkout": "gitmig hook advise post-checkout {1} {2} {3}",
    "post-merge": "gitmig hook advise post-merge {1}",
    "post-rewrite": "gitmig hook advise post-rewrite {1}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HookManager:
    """Who owns the folder of hooks, as one hook sees it."""

    name: str
    file: Path
    """The file that says what to run."""
    snippet: str
    mark: str = "gitmig"
    """What that file holds once it runs gitmig."""
    once: str | None = None
    """The command that each clone needs besides; None if it was run, or none is needed."""
    inside: bool = True
    """Whether the file is in the work tree."""


def framework_lines(configuration: str, origin: str | None, *, advice: bool = False) -> str:
    """The four lines for a ``.pre-commit-config.yaml`` that reads like ``configuration``.

    ``origin`` is the ``direct_url.json`` of the installed gitmig (PEP 610). Installed from a git URL, the
    framework takes it from there for everybody; else the hook is the `gitmig` that is on PATH.
    """
    lines = _LOCAL_LINES["advice" if advice else "pre-commit"]
    source = json.loads(origin) if origin else {}
    if source.get("vcs_info", {}).get("vcs") == "git":
        id = "gitmig-advice" if advice else "gitmig"
        lines = _REMOTE_LINES.format(url=source["url"], revision=source["vcs_info"]["commit_id"], id=id)
    # YAML wants all items of a list at one column; `pre-commit sample-config` has them at the first.
    found = re.search(r"^( *)- +repo:", configuration, re.MULTILINE)
    return textwrap.indent(lines, found[1] if found else "  ")


def manager_of(repository: Repository, path: Path) -> HookManager | None:
    """Who owns the hook at ``path``, if anybody does."""
    top, name = repository.top, path.name
    folder = path.parent
    if (top / FRAMEWORK).is_file() or _is_frameworks(folder / "pre-commit"):
        return _framework(top, path)
    command = COMMANDS[name] + (" || exit $?\n" if name == "pre-commit" else " || :\n")
    owned = repository.config("core.hooksPath")
    if (top / ".husky").is_dir():
        once = None if owned else "npx husky"
        return HookManager(name="husky", file=top / ".husky" / name, snippet=command, once=once)
    for file in _LEFTHOOK:
        if (top / file).is_file():
            lines = f"{name}:\n  commands:\n    gitmig:\n      run: {_LEFTHOOK_LINES[name]}\n"
            mark = _LEFTHOOK_LINES[name].partition(" {")[0]
            once = None if "lefthook" in text_of(path) else "lefthook install"
            return HookManager(name="lefthook", file=top / file, snippet=lines, mark=mark, once=once)
    if owned:
        inside = path.is_relative_to(top)
        return HookManager(name="core.hooksPath", file=path, snippet=command, inside=inside)
    return None


def _framework(top: Path, path: Path) -> HookManager:
    advice = path.name != "pre-commit"
    lines = framework_lines(text_of(top / FRAMEWORK), _origin(), advice=advice)
    program = "prek" if _uses_prek(path.parent) else "pre-commit"
    once = f"{program} install{' -t post-checkout -t post-merge -t post-rewrite' if advice else ''}"
    mark = "gitmig-advice" if advice else "gitmig"
    return HookManager(
        name="pre-commit",
        file=top / FRAMEWORK,
        snippet=lines,
        mark=mark,
        once=None if _is_frameworks(path) else once,
    )


def _uses_prek(hooks: Path) -> bool:
    if any(_PREK in text_of(hooks / name) for name in COMMANDS):
        return True
    return shutil.which("pre-commit") is None and shutil.which("prek") is not None


def _is_frameworks(path: Path) -> bool:
    """Whether the pre-commit framework wrote this hook, or prek, which reads the same configuration."""
    text = text_of(path)
    return "pre-commit.com" in text or _PREK in text


def text_of(path: Path) -> str:
    """A file's text; empty if it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def _origin() -> str | None:
    """Where pip had gitmig from, if it wrote that down."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution("gitmig").read_text("direct_url.json")
    except PackageNotFoundError:
        return None

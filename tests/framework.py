"""The pre-commit framework and what it needs, made once for a whole run: it takes longest to install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

_CHECKOUT = Path(__file__).resolve().parent.parent
_SOURCES = (".pre-commit-hooks.yaml", "LICENSE", "README.md", "gitmig", "pyproject.toml")
# The machine's own, read before the tests are sealed off from it: pip is configured there.
_OUTSIDE = {
    name: os.environ[name] for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME") if name in os.environ
}

WHITESPACE = """\
  - repo: local
    hooks:
      - id: trailing-whitespace
        name: trim trailing whitespace
        entry: trailing-whitespace-fixer
        language: python
        types: [text]
        additional_dependencies: [pre-commit-hooks]
"""
"""As ``trailing-whitespace`` of pre-commit/pre-commit-hooks, from the package index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """What the framework's tests share."""

    home: Path
    """``PRE_COMMIT_HOME``, with the environments of the hooks."""
    repository: Path
    """A repository that holds gitmig as it is in this checkout."""
    revision: str
    project_python: Path
    """A virtual environment with Alembic and SQLAlchemy, without gitmig, and with ``only_in_project``."""

    @property
    def gitmig(self) -> str:
        """The part of a configuration that takes the hook from the repository."""
        return f"  - repo: {self.repository}\n    rev: {self.revision}\n    hooks: [{{id: gitmig}}]\n"


def configuration(*parts: str) -> str:
    """The text of a ``.pre-commit-config.yaml``."""
    return "repos:\n" + "".join(parts)


def installing() -> dict[str, str]:
    """An environment to install packages in: sealed as the tests', with pip as the machine has it."""
    environment = {**os.environ, **_OUTSIDE}
    # What lies there would count as installed.
    environment.pop("PYTHONPATH", None)
    return environment


def framework(folder: Path) -> Framework:
    """The run's framework in a folder that all its processes share; the first one makes it."""
    made, python = folder / "made", folder / "project-venv"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):
        if not made.exists():
            with ThreadPoolExecutor() as pool:
                pending = pool.submit(_make_project_python, python)
                _make_repository(folder / "gitmig")
                shared = _shared(folder, python)
                _install_hooks(shared, folder / "first")
                pending.result()
            made.touch()
    return _shared(folder, python)


def _shared(folder: Path, python: Path) -> Framework:
    repository = folder / "gitmig"
    revision = _run("git", "rev-parse", "HEAD", cwd=repository).strip()
    return Framework(home=folder / "home", repository=repository, revision=revision, project_python=python)


def _make_repository(top: Path) -> None:
    top.mkdir()
    for name in _SOURCES:
        source = _CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, top / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, top / name)
    _run("git", "init", "--quiet", cwd=top)
    _run("git", "add", ".", cwd=top)
    _run("git", "commit", "--quiet", "-m", "As it is", cwd=top)


def _install_hooks(shared: Framework, top: Path) -> None:
    top.mkdir()
    _run("git", "init", "--quiet", cwd=top)
    (top / ".pre-commit-config.yaml").write_text(configuration(shared.gitmig, WHITESPACE), "utf-8")
    _run("pre-commit", "install-hooks", cwd=top, PRE_COMMIT_HOME=str(shared.home))


def _make_project_python(folder: Path) -> None:
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder), cwd=folder.parent)
    python = str(folder / "bin" / "python")
    _run(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "alembic", "SQLAlchemy",
        cwd=folder.parent,
    )  # fmt: skip
    site = _run(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=folder.parent)
    Path(site.strip(), "only_in_project.py").write_text("USERNAME = 'username'\n", "utf-8")


def _run(*command: str, cwd: Path, **env: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**installing(), **env},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout

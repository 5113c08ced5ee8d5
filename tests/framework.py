"""The pre-commit framework and what it needs, made once for a whole run: it takes longest to install."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from tests import forking

CHECKOUT = Path(__file__).resolve().parent.parent
_PROJECT_PACKAGES = ("alembic", "mako", "markupsafe", "sqlalchemy", "typing_extensions")
_SOURCES = (".pre-commit-hooks.yaml", "LICENSE", "README.md", "gitmig", "pyproject.toml")
# The machine's own, read before the tests are sealed off from it: pip is configured there.
_OUTSIDE = {
    name: os.environ[name] for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME") if name in os.environ
}

WHITESPACE = """\
  - repo: local
    hooks: [{id: trailing-whitespace, name: trim trailing whitespace, entry: trailing-whitespace-fixer,
             language: system, types: [text]}]
"""
"""As ``trailing-whitespace`` of pre-commit/pre-commit-hooks, without an environment of its own."""


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
    # Most of what is installed is never imported.
    return environment | {"PIP_NO_COMPILE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def framework(folder: Path) -> Framework:
    """The run's framework in a folder that all its processes share; the first one makes it."""
    made, python = folder / "made", folder / "project-venv"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):
        if not made.exists():
            _make_project_python(python)
            _make_repository(folder / "gitmig")
            _install_hooks(_shared(folder, python), folder / "first")
            made.touch()
    return _shared(folder, python)


def _shared(folder: Path, python: Path) -> Framework:
    repository = folder / "gitmig"
    revision = _run("git", "rev-parse", "HEAD", cwd=repository).strip()
    return Framework(home=folder / "home", repository=repository, revision=revision, project_python=python)


def _make_repository(top: Path) -> None:
    top.mkdir()
    for name in _SOURCES:
        source = CHECKOUT / name
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
    (top / ".pre-commit-config.yaml").write_text(configuration(shared.gitmig), "utf-8")
    _run("pre-commit", "install-hooks", cwd=top, PRE_COMMIT_HOME=str(shared.home))


def _make_project_python(folder: Path) -> None:
    """With the packages that the tests run with; to install them again would take ten seconds."""
    venv.create(folder, symlinks=True, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in _PROJECT_PACKAGES:
        origin = importlib.util.find_spec(name)
        assert origin is not None
        assert origin.origin is not None
        place = Path(origin.origin)
        place = place.parent if origin.submodule_search_locations else place
        (site / place.name).symlink_to(place)
    (site / "only_in_project.py").write_text("USERNAME = 'username'\n", "utf-8")


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


def on_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``gitmig`` and ``alembic`` on PATH, also where gitmig is not installed; as forks, where possible."""
    folder.mkdir()
    for name in ("alembic", "gitmig"):
        forking.stand_in(folder / name, "-P", "-m", name)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

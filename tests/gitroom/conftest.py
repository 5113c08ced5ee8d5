"""A repository to build by hand: one clock tick per commit, sealed by the top-level conftest."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from gitmig.git import worktree
from gitmig.git.repository import Repository
from gitmig.wire.values import BlobId, CommitId

MOMENT = 1_700_000_000


class Builder:
    """Writes files and runs git in one work tree, as a person would."""

    def __init__(self, top: Path):
        self.top = top
        self._ticks = 0

    def git(self, *args: str, input: bytes | None = None, env: Mapping[str, str] | None = None) -> str:
        self._ticks += 1
        moment = f"{MOMENT + 60 * self._ticks} +0000"
        dates = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
        done = subprocess.run(
            ["git", *args],
            cwd=self.top,
            input=input,
            env={**os.environ, **dates, **(env or {})},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return os.fsdecode(done.stdout).rstrip("\n")

    def write(self, path: str, content: str | bytes) -> Path:
        place = self.top / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        return place

    def remove(self, path: str) -> None:
        (self.top / path).unlink()

    def commit(
        self, files: Mapping[str, str | bytes | None] | None = None, message: str = "Change"
    ) -> CommitId:
        """Write (None: delete) and commit everything there is."""
        for path, content in (files or {}).items():
            if content is None:
                self.remove(path)
            else:
                self.write(path, content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.head()

    def head(self) -> CommitId:
        return CommitId(self.git("rev-parse", "HEAD"))

    def head_of(self, name: str) -> CommitId:
        return CommitId(self.git("rev-parse", name))

    def blob(self, name: str) -> BlobId:
        return BlobId(self.git("rev-parse", name))

    def files(self) -> dict[str, bytes]:
        """Every file below the top, `.git` aside, links as their target."""
        found: dict[str, bytes] = {}
        for folder, folders, names in os.walk(self.top):
            folders[:] = [name for name in folders if name != ".git"]
            for name in [*names, *(name for name in folders if Path(folder, name).is_symlink())]:
                place = Path(folder, name)
                data = os.readlink(place).encode() if place.is_symlink() else place.read_bytes()
                found[place.relative_to(self.top).as_posix()] = data
        return found


@pytest.fixture
def build(tmp_path: Path) -> Builder:
    top = tmp_path / "project"
    top.mkdir()
    builder = Builder(top)
    builder.git("init", "--quiet", "--initial-branch=main")
    return builder


@pytest.fixture
def opened() -> Iterator[Callable[[Path], Repository]]:
    """Opens repositories, and closes them at the end."""
    repositories: list[Repository] = []

    def open_(directory: Path) -> Repository:
        repository = Repository.discover(directory)
        assert repository is not None
        repositories.append(repository)
        return repository

    yield open_
    for repository in repositories:
        repository.close()


@pytest.fixture
def repository(build: Builder, opened: Callable[[Path], Repository]) -> Repository:
    return opened(build.top)


def revision(id: str, parent: str | None, body: str = "", **extra: str) -> str:
    """The text of a revision file."""
    lines = [f'"""{body or id}"""', f"revision = {id!r}", f"down_revision = {parent!r}"]
    return "\n".join([*lines, *(f"{name} = {value!r}" for name, value in extra.items()), ""])


@pytest.fixture(params=["few", "many"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once as it is, and once as if there were many files: they are listed and written in other ways."""
    if request.param == "many":
        monkeypatch.setattr(worktree, "_LARGE", 0)

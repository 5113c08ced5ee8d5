"""How git is run: the one place that starts it. Knows nothing of what is asked.

Three ways: :func:`probe` before a repository is known, :class:`Runner` for every question and change (by
GitPython in the commands that change something: they wait for a worker anyway), and :func:`attended` for what
belongs to the user (``git commit`` and its hooks): terminal, locale and environment inherited, no time limit.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gitmig.errors import GitError, NoRepository
from gitmig.git.temporary import TemporaryFolder

if TYPE_CHECKING:
    from git import Git

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = frozenset(code for number in _ENDING for code in (-number, 128 + number))
"""Exit codes of what a signal ended that asks for the end, or of a shell's word for that."""

TIMEOUT = 120.0
"""Seconds that a question may take; a lazy fetch of a partial clone is the slowest."""

_QUARANTINED = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")
_LOCAL = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", *_QUARANTINED)
_PATHSPECS = ("GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS")
_QUESTION = {"LC_ALL": "C.UTF-8", "LANGUAGE": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
# Plumbing must not start the user's hooks (post-index-change runs even on a private index).
_PLUMBING = ("git", "-c", f"core.hooksPath={os.devnull}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a repository is: three absolute folders."""

    top: Path
    git_dir: Path
    common_dir: Path


def load() -> None:
    """Import GitPython, which takes as long as several questions: for when there is something to wait for."""
    importlib.import_module("git")


def git_dir_of(top: Path) -> Path | None:
    """The git directory of a work tree, as its ``.git`` says; None if there is none."""
    try:
        text = os.fsdecode((top / ".git").read_bytes()).strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        return top / ".git"
    return Path(os.path.abspath(top / text.removeprefix("gitdir: ")))


def common_dir_of(git_dir: Path) -> Path:
    """The git directory that a work tree's shares its objects with; often itself."""
    try:
        return Path(os.path.abspath(git_dir / os.fsdecode((git_dir / "commondir").read_bytes()).strip()))
    except OSError:
        return git_dir


def inherited(environment: Mapping[str, str] | None = None, directory: Path | None = None) -> dict[str, str]:
    """The environment without what ties it to another repository or index than that of ``directory``.

    A hook inherits GIT_DIR and GIT_INDEX_FILE of the command that runs it. ``GIT_CONFIG_*`` stay, since
    that is where CI sets safe.directory; so do the object directories of a quarantine.
    """
    source = os.environ if environment is None else environment
    kept = _QUARANTINED if "GIT_QUARANTINE_PATH" in source else ()
    own = {name: value for name, value in source.items() if name not in _LOCAL or name in kept}
    return own | separate_repository(directory or Path.cwd(), source)


def separate_repository(directory: Path, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """GIT_DIR and GIT_WORK_TREE, in full, if these alone tell which repository a folder is of; else nothing.

    What a hook inherits is not that: its work tree has a ``.git``, by which the repository is found.
    """
    source = os.environ if environment is None else environment
    named, tree = source.get("GIT_DIR"), source.get("GIT_WORK_TREE")
    if not named or not os.path.isfile(os.path.join(named, "HEAD")):
        return {}
    top = Path(os.path.abspath(tree)) if tree else directory
    above = [top] if tree else [directory, *directory.parents]
    if any((folder / ".git").exists() for folder in above) or not directory.is_relative_to(top):
        return {}
    return {"GIT_DIR": os.path.abspath(named), "GIT_WORK_TREE": str(top)}


def probe(directory: Path, *args: str) -> bytes:
    """What git answers in a folder, before any repository is known.

    Raises NoRepository without a git executable, GitError with git's words where it refuses.
    """
    try:
        done = subprocess.run(
            ["git", *args],
            cwd=directory,
            env=inherited(directory=directory) | _QUESTION,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except FileNotFoundError as error:
        raise NoRepository(
            "git was not found on PATH", hint="install git, or add its folder to PATH"
        ) from error
    if done.returncode:
        raise refusal(done.stderr)
    return done.stdout


class Terminal:
    """What is to be around a process that has the person's terminal for itself."""

    aside: Callable[[], AbstractContextManager[None]] = staticmethod(contextlib.nullcontext)


def attended(
    place: Location, args: Sequence[str], env: Mapping[str, str], inherited_fds: Sequence[int] = ()
) -> int:
    """Run git as the user would, in the top folder; the exit code. It inherits the files ``inherited_fds``.

    stdout goes to stderr: gitmig's own stdout is data.
    """
    process: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: object) -> None:
        if process is not None and number != signal.SIGINT:
            process.send_signal(number)

    # Ctrl-C reaches git too, which ends in order: killed, it would leave its locks behind. A handler that
    # does nothing holds it off here from before git starts; git itself gets the default again. What is sent
    # to this process alone is passed on.
    before = {number: signal.signal(number, pass_on) for number in _ENDING}
    try:
        with Terminal.aside():
            process = subprocess.Popen(
                ["git", *args],
                cwd=place.top,
                env={**inherited(directory=place.top), **env},
                stdout=2,
                pass_fds=inherited_fds,
            )
            return process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def refusal(stderr: bytes) -> GitError:
    """git's own words as an error: the first line that says something, the rest as detail."""
    text = stderr.decode("utf-8", "replace").strip()
    lines = [line for line in text.splitlines() if not line.startswith(("warning:", "hint:"))]
    first = lines[0] if lines else text or "git failed without saying why"
    for prefix in ("fatal: ", "error: "):
        first = first.removeprefix(prefix)
    if lines and lines[-1].endswith("from promisor remote"):
        return GitError(
            f"this partial clone lacks content, and its remote does not give it: {first}",
            hint="run the command again when the remote can be reached",
            detail=text,
        )
    return GitError(first, detail=text if text != first else None)


def abandon(process: subprocess.Popen[bytes]) -> None:
    """End a process at once. Its children may still hold the pipes, so that nothing is read."""
    process.kill()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    process.wait()


def pathspecs(paths: Sequence[str]) -> list[str]:
    """Paths as arguments for git, where the top has another name."""
    return ["--", *(path or "." for path in paths)]


def _verb(args: Sequence[str]) -> str:
    settings = [place for place, word in enumerate(args) if word == "-c"]
    return args[settings[-1] + 2] if settings else args[0]


class Runner:
    """Runs git in one repository, through GitPython, whatever the environment points at."""

    def __init__(self, place: Location, locks: tuple[int, ...] = ()) -> None:
        self.place = place
        self.locks = locks
        """Open files that every git inherits: each is locked until the last of them has ended."""
        self._git: Git | None = None
        self._temporary: TemporaryFolder | None = None

    @property
    def inherited_fds(self) -> tuple[int, ...]:
        """The open files that every git inherits: their locks are held until it has ended."""
        temporary = (self._temporary.handle,) if self._temporary is not None else ()
        return (*self.locks, *temporary)

    def temporary(self, *, private: bool = False) -> Path:
        """A folder for temporary files, which is there until this process ends.

        It is in the private git directory. If that cannot be written to, it is in the system's temporary
        folder, or with ``private`` GitError is raised.
        """
        place = self.place.git_dir / "gitmig"
        if self._temporary is None:
            try:
                self._keep(TemporaryFolder(place))
            except OSError as error:
                if private:
                    raise GitError(f"{place} cannot be written: {error.strerror}") from error
                self._keep(TemporaryFolder(Path(tempfile.gettempdir())))
        assert self._temporary is not None
        if private and self._temporary.path.parent != place:
            raise GitError(f"{place} cannot be written")
        return self._temporary.path

    def close(self) -> None:
        """Delete the temporary files."""
        if self._temporary is not None:
            self._temporary.close()
            self._temporary = None

    def _keep(self, temporary: TemporaryFolder) -> None:
        self._temporary = temporary
        weakref.finalize(self, temporary.close)

    def run(
        self,
        args: Sequence[str],
        *,
        input: bytes | None = None,
        env: Mapping[str, str] | None = None,
        ok: Sequence[int] = (0,),
        timeout: float = TIMEOUT,
        literal: bool = True,
    ) -> bytes:
        """stdout of one command, whose paths are ``literal`` (a few commands do not know that).

        Raises GitError on an exit code that is not ok, and on timeout.
        """
        process = self.start(["--literal-pathspecs", *args] if literal else args, env=env)
        try:
            out, err = process.communicate(input if input is not None else b"", timeout=timeout)
        except subprocess.TimeoutExpired as error:
            abandon(process)
            raise GitError(f"git {_verb(args)} did not answer within {timeout:g} seconds") from error
        if process.returncode not in ok:
            raise refusal(err)
        return bytes(out)

    def start(self, args: Sequence[str], *, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """A command with pipes on all three streams, which the caller ends.

        By GitPython if a command has imported it (:func:`load`), and just so without it if not.
        """
        ours = _QUESTION | self._own() | dict(env or {})
        if "git" not in sys.modules:
            return subprocess.Popen(
                [*_PLUMBING, *args],
                cwd=self.place.top,
                env=os.environ | ours,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=self.inherited_fds,
            )
        started = self._runner().execute(
            [*_PLUMBING, *args],
            istream=subprocess.PIPE,
            as_process=True,
            env=ours,
            pass_fds=self.inherited_fds,
        )
        assert started.proc is not None
        return started.proc

    def _runner(self) -> Git:
        if self._git is None:
            from git import Git

            class Kept(Git.AutoInterrupt):
                """Does not end its process once collected, nor fail if a signal came while it was made."""

                def __del__(self) -> None:
                    pass

            class KeepingGit(Git):
                AutoInterrupt = Kept

            self._git = KeepingGit(self.place.top)
        return self._git

    def _own(self) -> dict[str, str]:
        """Our own values for what the environment points elsewhere: GitPython can set, not drop."""
        place = self.place
        ours = {
            "GIT_DIR": str(place.git_dir),
            "GIT_WORK_TREE": str(place.top),
            "GIT_INDEX_FILE": str(place.git_dir / "index"),
            "GIT_PREFIX": "",
            "GIT_COMMON_DIR": str(place.common_dir),
            "GIT_OBJECT_DIRECTORY": str(place.common_dir / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
        } | dict.fromkeys(_PATHSPECS, "0")
        # A quarantine stays; that the environment alone names a repository does not make it this one.
        kept = inherited().keys() & set(_QUARANTINED)
        return {name: value for name, value in ours.items() if name in os.environ and name not in kept}

"""The worker's process: started, spoken to, forked, and ended. What is said is in ``worker_client.py``."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from gitmig import prestart, twin
from gitmig.errors import GitmigError, NoInterpreter, ProjectCodeError, WorkerCrashed
from gitmig.interpreter import OWN
from gitmig.messages import Json, WorkerOptions, a_text, an_object, folder_told
from gitmig.wire.redaction import without_passwords
from gitmig.worker_errors import frames_of, translated

if TYPE_CHECKING:
    from gitmig.git.trees import Tree
    from gitmig.interpreter import Interpreter

_PATIENCE = 5.0
"""Seconds that a worker has to end by itself."""


@dataclass(slots=True)
class WorkerProcess:
    """One child process with one version of the project's code."""

    options: WorkerOptions
    tree: Tree | None
    process: subprocess.Popen[bytes] | twin.Twin
    log: Path
    ignored: Callable[[str], bool] = field(default=lambda path: False)
    own: bool = False
    """Whether the interpreter is gitmig's own, for want of one of the project's."""
    doing: str = "the models were not imported"
    """What a time limit would have kept from being done."""
    _private: object = None
    """The folder that a worker on a tree writes the code to."""
    _open: bool = False

    @classmethod
    def start(
        cls,
        interpreter: Interpreter,
        options: WorkerOptions,
        *,
        tree: Tree | None = None,
        ignored: Callable[[str], bool] = lambda path: False,
    ) -> Self:
        """Start the process; its imports run while the caller goes on.

        ``tree`` is the tree to import from, None for the files on disk. Raises NoInterpreter when
        the command does not start.
        """
        try:
            started = prestart.start(interpreter.command, options.directory, verbose=options.verbose)
        except OSError as error:
            raise NoInterpreter(
                f"{interpreter.command[0]} does not start: {error.strerror}",
                hint="git config gitmig.python PATH_OF_PYTHON",
            ) from None
        own = interpreter.origin == OWN
        return cls(
            options=options, tree=tree, process=started.process, log=started.log, ignored=ignored, own=own
        )

    def twin(self, tree: Tree | None) -> Self | None:
        """Another worker, forked from this one before it was asked anything; None where that is not possible.

        ``tree`` is what the other one imports from.
        """

        def ask(address: str) -> bool:
            try:
                self._send({"do": "fork", "address": address})
                return "ok" in self._receive()
            except GitmigError:
                return False  # whoever asks this one for anything will be told

        process = None if self._open else twin.fork(ask)
        if process is None:
            return None
        return type(self)(
            options=self.options,
            tree=tree,
            process=process,
            log=self.log,
            ignored=self.ignored,
            own=self.own,
        )

    @property
    def is_twin(self) -> bool:
        """Whether it was forked from another."""
        return isinstance(self.process, twin.Twin)

    def request(
        self,
        do: str,
        data: Json | None = None,
        answers: Mapping[str, Callable[[Json], Json]] = MappingProxyType({}),
        *,
        note: Callable[[Json], None] = lambda note: None,
    ) -> Json:
        """Ask for something, answering by ``answers`` what is asked back; the answer.

        What an answer raises is raised here, after the worker has let go of everything. Raises the worker's
        errors, translated, and WorkerCrashed.
        """
        if not self._open and do != "initialise":
            self._open = True
            self._private = self.request("open", self._opening()).get("private")
        self._send({"do": do, **(data or {})})
        failure: GitmigError | None = None
        while True:
            message = self._receive()
            if "note" in message:
                note(message)
            elif "ask" in message:
                try:
                    if failure is not None:
                        raise failure
                    self._send(self._answer(message, answers))
                except GitmigError as error:
                    failure = error
                    self._send({"release": True, "commit": False, "go": False})
            elif failure is not None:
                failure.committed = _steps_kept(message)
                raise failure
            elif "error" in message:
                raise self._explained(translated(an_object(message["error"])))
            else:
                return an_object(message["ok"])

    def _explained(self, error: GitmigError) -> GitmigError:
        """What gitmig's own interpreter lacks, the project's may have."""
        if (
            self.own
            and isinstance(error, ProjectCodeError)
            and error.message.startswith("ModuleNotFoundError")
        ):
            own = (
                f"this was gitmig's own Python, {sys.executable}; another one: git config gitmig.python PATH"
            )
            error.detail = "\n".join(filter(None, (error.detail, own)))
        return error

    def leave(self) -> None:
        """Tell the process to end, without waiting until it has; :meth:`close` waits."""
        with contextlib.suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.close()

    def close(self) -> None:
        """End the process. What was prepared and not committed is rolled back."""
        self.leave()
        try:
            self._wait_for_its_end()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.log.unlink(missing_ok=True)
        self._remove_private()

    def _remove_private(self) -> None:
        # There where it crashed, or was killed; the place is looked at, since a container tells of its own.
        place = Path(str(self._private or "."))
        if place.name.startswith("gitmig-") and place.parent == Path(tempfile.gettempdir()):
            shutil.rmtree(place, ignore_errors=True)

    def _wait_for_its_end(self) -> None:
        # The end of its output comes with its own; to wait for a process with a time limit is to look again
        # and again.
        stream, patience = self.process.stdout, _PATIENCE
        if not self.is_twin and stream is not None:
            while select.select([stream], [], [], patience)[0] and os.read(stream.fileno(), 1 << 16):
                pass
            patience = 1.0  # its output has ended, or its time is over
        self.process.wait(timeout=patience)

    def __enter__(self) -> Self:
        """The worker itself, closed at the end of the block."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close it."""
        self.close()

    def _opening(self) -> Json:
        options = self.options
        return {
            "top": str(options.top),
            "directory": str(options.directory),
            "ini": options.ini,
            "toml": options.toml,
            "section": options.section,
            "x": list(options.x),
            "url_env": options.url_env,
            "tree": self.tree is not None,
            "metadata": options.metadata,
            "dialect": options.dialect,
            "exclude": list(options.exclude),
        }

    def _answer(self, ask: Json, answers: Mapping[str, Callable[[Json], Json]]) -> Json:
        name = a_text(ask["ask"])
        if name in answers:
            return answers[name](ask)
        if name == "folder" and self.tree is not None:
            return folder_told(self.tree, a_text(ask["path"]))
        if name == "ignored":
            return {"ignored": self.ignored(a_text(ask["path"]))}
        raise WorkerCrashed(f"the worker asked for {name!r}, which nothing answers")

    def _send(self, message: Json) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise self._crashed() from None

    def _receive(self) -> Json:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._crashed()
        return an_object(json.loads(line))

    def _crashed(self) -> GitmigError:
        code = self.process.wait()
        # What the project's code printed, which may be anything.
        said = "" if self.options.verbose else self.log.read_text(errors="replace")
        tail = without_passwords(said).strip()
        _, stopped, stack = tail.rpartition("Timeout (")
        if stopped:
            return ProjectCodeError(
                f"{self.doing} within {self.options.limit:g} s",
                hint="git config gitmig.importLimit SECONDS, if it has to take that long",
                detail=frames_of(stack.splitlines()),
            )
        _, fatal, stack = tail.rpartition("Fatal Python error: ")
        reason, _, stack = stack.partition("\n")
        if fatal:
            return WorkerCrashed(
                f"the project's interpreter crashed: {reason}",
                hint="correct it, then run the command again",
                detail=frames_of(stack.splitlines()),
            )
        return WorkerCrashed(
            f"the project's interpreter ended with exit code {code}",
            hint="git config gitmig.python PATH_OF_PYTHON",
            detail="\n".join(tail.splitlines()[-15:]) or None,
        )


def _steps_kept(message: Json) -> int:
    """How many steps of a run the database has kept, although it was called off."""
    answer = message.get("ok") or message.get("error")
    steps = (answer.get("steps") or answer.get("committed")) if isinstance(answer, dict) else None
    return steps if isinstance(steps, int) and not isinstance(steps, bool) else 0

"""The worker's process: started, spoken to, forked, and ended. What is said is in ``rpc/client.py``."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from gitmig.errors import GitmigError, Interrupted, NoInterpreter, ProjectCodeError, WorkerCrashed
from gitmig.git import command
from gitmig.rpc import fork, interrupts, launch
from gitmig.rpc.errors import _end_of, _kept, explained, frames_of, translated
from gitmig.rpc.interpreter import OWN
from gitmig.rpc.protocol import Json, WorkerOptions, a_text, an_object
from gitmig.wire.codec import plain
from gitmig.wire.redaction import without_passwords

if TYPE_CHECKING:
    from gitmig.git.layout import Layout
    from gitmig.rpc.interpreter import Interpreter

_PATIENCE = 5.0
"""Seconds that a worker has to end by itself."""
_IMPATIENCE = 1.0
"""Seconds that it has if it is in the middle of something that nobody waits for any more."""
_LET_GO: Json = {"release": True, "commit": False, "go": False}
"""The answer to anything, if nothing is to come of it."""
_CHANGING = ("migrate", "draft")
"""Requests after which many questions to git follow."""


@dataclass(slots=True)
class WorkerProcess:
    """One child process with one version of the project's code."""

    options: WorkerOptions
    process: subprocess.Popen[bytes] | fork.ForkedWorker
    log: int
    """The open file that its stderr goes to."""
    layout: Layout | None = None
    """The folder that the code comes from, if it is not that of the files on disk; released at the end."""
    own: bool = False
    """Whether the interpreter is gitmig's own, for want of one of the project's."""
    doing: str = "the models were not imported"
    """What a time limit would have kept from being done."""
    _ready: bool = False
    _open: bool = False
    _has_spoken: bool = False
    """Whether it ever said a word, as an interpreter that suits us does."""
    _busy: bool = False
    """Whether it was asked for something and has not answered yet."""
    _called_off: bool = False
    """Whether it knows that nobody wants an answer any more."""
    _word_given: bool = False
    """Whether it had the word to commit."""
    _unread: bytearray = field(default_factory=bytearray)
    """What it has said and was not looked at yet."""
    _leisure: bool = False
    """Whether there is something to import while it does not answer yet."""
    _top: Path | None = None
    """Where the checkout is for the worker, once it has said so: in a container it may lie elsewhere."""

    @classmethod
    def start(cls, interpreter: Interpreter, options: WorkerOptions) -> Self:
        """Start the process; its imports run while the caller goes on.

        Raises NoInterpreter when the command does not start.
        """
        try:
            started = launch.start(interpreter.command, options.directory, verbose=options.verbose)
        except OSError as error:
            raise NoInterpreter(
                f"{interpreter.command[0]} does not start: {error.strerror}",
                hint="git config gitmig.python PATH_OF_PYTHON",
            ) from None
        own = interpreter.origin == OWN
        return cls(options=options, process=started.process, log=started.log, own=own)

    def twin(self) -> Self | None:
        """Another worker, forked from this one before it was asked anything; None if that is not possible."""

        def ask(address: str) -> bool:
            try:
                self._send({"do": "fork", "address": address})
                return "ok" in self._receive()
            except GitmigError:
                return False  # the next request says so

        process = None if self._open else fork.fork(ask)
        if process is None:
            return None
        log = os.dup(self.log)
        return type(self)(
            options=self.options, process=process, log=log, own=self.own, _ready=True, _has_spoken=True
        )

    @property
    def is_twin(self) -> bool:
        """Whether it was forked from another."""
        return isinstance(self.process, fork.ForkedWorker)

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
        errors, translated, WorkerCrashed, and, where signals are held back, Interrupted: then the worker has
        ended what it was doing and taken back what it could.
        """
        if not self._open and do != "initialise":
            # GitPython cannot be imported where there is no git, as in an image.
            self._open, self._leisure = True, do in _CHANGING and (self.options.top / ".git").exists()
            self._top = Path(a_text(self.request("open", self._opening())["top"]))
        self._send({"do": do, **(data or {})})
        self._busy, self._word_given = True, False
        message, failure = self._conversation(answers, note)
        self._busy = False
        if failure is not None:
            failure.committed, failure.partial = _kept(message)
            raise failure
        if "error" in message:
            raise explained(translated(an_object(message["error"])), self.options, own=self.own)
        return an_object(message["ok"])

    def _conversation(
        self, answers: Mapping[str, Callable[[Json], Json]], note: Callable[[Json], None]
    ) -> tuple[Json, GitmigError | None]:
        """The last message, and what was raised here on the way to it."""
        failure: GitmigError | None = None
        while True:
            message = self._after_interruption() if self._called_off else self._next()
            if message is None:
                failure = Interrupted("interrupted")
            elif "note" in message:
                note(message)
            elif "ask" not in message:
                return message, failure
            elif not self._called_off:
                failure = self._reply(message, answers, failure)

    def _reply(
        self, ask: Json, answers: Mapping[str, Callable[[Json], Json]], failure: GitmigError | None
    ) -> GitmigError | None:
        """Answer what is asked back; what failed, if the worker is to let go of everything."""
        try:
            if failure is not None:
                raise failure
            answer = self._answer(ask, answers)
            interrupts.raise_pending()
        except GitmigError as error:
            failure, answer = error, _LET_GO
        except KeyboardInterrupt:
            failure, answer = Interrupted("interrupted"), _LET_GO
        # Whether the database commits is not for an interruption to decide any more.
        self._word_given = answer.get("commit") is True
        self._send(answer)
        return failure

    def _next(self) -> Json | None:
        """The next message; None if the person ends the command; the worker learns of it."""
        if not interrupts.are_held() or self._word_given:
            return self._receive()
        try:
            with interrupts.interruptible():
                self._wait()
            return self._receive()
        except KeyboardInterrupt:
            self._called_off = True
            with contextlib.suppress(WorkerCrashed):
                self._send({"stop": True})  # without a word it would take this process for dead
            self.leave()
            return None

    def _after_interruption(self) -> Json:
        """What the worker says when it has taken back what it could. Raises Interrupted if it does not."""
        try:
            with interrupts.interruptible():
                if self._wait(_PATIENCE):
                    return self._receive()
        except (KeyboardInterrupt, WorkerCrashed):
            pass
        self.process.kill()
        abandoned = Interrupted("interrupted")
        abandoned.unsettled = True
        raise abandoned

    def _wait(self, patience: float | None = None) -> bool:
        """Wait until the worker has said something; whether it has."""
        assert self.process.stdout is not None
        return bool(self._unread or select.select([self.process.stdout.fileno()], [], [], patience)[0])

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
        if self.log >= 0:
            os.close(self.log)
            self.log = -1
        if self.layout is not None:
            self.layout.release()

    def there(self, path: Path) -> str:
        """A place below the top, or elsewhere on this machine, as the worker sees it.

        Raises ProjectCodeError if it does not see it: it runs in a container that has the checkout alone.
        """
        top = self.options.top
        if self._top is None or self._top == top:
            return str(path)
        if path.is_relative_to(top):
            return str(self._top / path.relative_to(top))
        raise ProjectCodeError(
            f"the project's interpreter runs where {path} is not",
            hint="git config gitmig.python PATH_OF_PYTHON, one of this machine",
        )

    def _wait_for_its_end(self) -> None:
        # The end of its output comes with its own; to wait for a process with a time limit is to look again
        # and again.
        stream, patience = self.process.stdout, _IMPATIENCE if self._busy else _PATIENCE
        if not self.is_twin and stream is not None:
            while select.select([stream], [], [], patience)[0] and fork.read(stream.fileno()):
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
        top, opening = self.options.top, self.options.opening
        assert opening is not None
        found = top.stat()
        root = None if self.layout is None else os.path.relpath(self.layout.top, top)
        return an_object(plain(replace(opening, root=root, inode=(found.st_dev, found.st_ino))))

    def _answer(self, ask: Json, answers: Mapping[str, Callable[[Json], Json]]) -> Json:
        name = a_text(ask["ask"])
        if name in answers:
            return answers[name](ask)
        raise WorkerCrashed(f"the worker asked for {name!r}, which nothing answers")

    def _send(self, message: Json) -> None:
        if not self._ready:
            self._ready = True
            if "need" in self._receive():
                # It does not see our files.
                self._send({"source": launch.sources()})
                self._receive()
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise self._crashed() from None

    def _receive(self) -> Json:
        assert self.process.stdout is not None
        stream, looked_at = self.process.stdout.fileno(), 0
        while (end := self._unread.find(b"\n", looked_at)) < 0:
            looked_at = len(self._unread)
            if self._leisure and not self._wait(0):
                command.load()
            self._leisure = False  # later it is this process that is waited for
            part = fork.read(stream)
            if not part:
                raise self._crashed()
            self._unread += part
            self._has_spoken = True
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return an_object(json.loads(line))

    def _printed(self) -> str:
        """What it wrote to its stderr."""
        size = os.fstat(self.log).st_size
        return os.pread(self.log, size, 0).decode("utf-8", "replace")

    def _crashed(self) -> GitmigError:
        code = self.process.wait()
        # What the project's code printed, which may be anything.
        said = "" if self.options.verbose else self._printed()
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
        message, hint = _end_of(code, self._has_spoken)
        return WorkerCrashed(message, hint=hint, detail="\n".join(tail.splitlines()[-15:]) or None)

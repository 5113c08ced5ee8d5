"""The worker's loop: one request after the other until the command line closes the channel.

This module and channel.py are read by any Python 3.7 or later, so that a version too old is named in words.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

from .channel import Channel, Failure, ParentGone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .session import Session

PYTHON_FLOOR = (3, 10)


_REQUESTS = {
    "open": "requests.open:open_session",
    "schema": "requests.schema:read_schema",
    "heads": "environment.heads:read_heads",
    "present": "environment.heads:find_present",
    "migrate": "requests.migrate:migrate",
    "draft": "drafting.draft:draft",
    "parent": "drafting.parents:describe_parent",
    "format": "drafting.draft:run_write_hooks",
    "prove": "proving.prove:prove",
    "replay": "proving.replay:replay",
    "live": "proving.live:describe_live",
    "ledger": "requests.ledger:ledger",
    "lock": "requests.lock:lock",
    "park": "requests.park:parked",
}
"""Request to the module and the function that answers it: ``(session, request)`` in, the answer out."""
_TIMED = frozenset({"schema", "prove"})
"""An env.py that waits for a service would hold up a commit for ever: these have a ``limit`` in seconds."""


def main() -> int:
    """Serve requests on stdin. Returns the exit code: 0, or 1 if the command line vanished."""
    if "" in sys.path:
        sys.path.remove("")  # modules in the current directory must not shadow the standard library's
    channel = Channel.claim()
    faulthandler.enable()  # says on stderr whose code it was that crashed
    with _without_collecting():
        missing = _prepare()
    # These stay: no collection needs to go through them again, here or in a fork.
    gc.freeze()
    server = _Server(channel, missing)
    try:
        while server.serve_one():
            pass
        return 1
    except ParentGone:
        return 0
    except KeyboardInterrupt:
        return 1
    finally:
        server.close()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                os.close(2)


class _Server:
    """Answers requests, one after the other."""

    def __init__(self, channel: Channel, missing: Failure | None):
        """``missing`` is why no request can be answered here."""
        self._channel = channel
        self._missing = missing
        self._session: Session | None = None

    def serve_one(self) -> bool:
        """Read a request and answer it; False if nothing more can be answered. Raises ParentGone."""
        request = self._channel.read()
        try:
            if self._missing is not None:
                raise self._missing
            answer = self._answer(request)
        except (ParentGone, KeyboardInterrupt):
            return False
        except BaseException as error:  # SystemExit of user code included: the loop goes on
            self._channel.write(error=_described(error))
            return not (isinstance(error, Failure) and error.kind == "interrupted")
        if answer is not None:
            self._channel.write(ok=answer)
        return True

    def _answer(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The answer to a request; None in a process that was forked and has nothing to say yet."""
        if request["do"] == "fork":
            forked = self._channel.fork(request["address"])
            if forked is None:
                return {}
            self._channel = forked
            return None
        if request["do"] == "initialise":
            from .requests.initialise import initialise

            return initialise(request)
        if request["do"] == "open":
            from ..wire.codec import built
            from ..wire.opening import Opening
            from .session import Session

            self._session = Session(self._channel, built(Opening, request))
        assert self._session is not None, "the first request is `open`"
        return _serve(self._session, request)

    def close(self) -> None:
        """Let go of what the session holds, and wait for the processes that were forked from this one."""
        if self._session is not None:
            self._session.close()
        self._channel.wait_for_forks()


def _prepare() -> Failure | None:
    """Import what is heavy while the command line is still at work in git."""
    if sys.version_info < PYTHON_FLOOR:
        message = "Python {}.{} is too old: gitmig needs {}.{} or later in the project"
        return Failure("version", message.format(*sys.version_info[:2], *PYTHON_FLOOR), name="python")
    try:
        with _without_colours():
            import alembic.config
            import alembic.context  # noqa: F401
        import sqlalchemy.orm  # noqa: F401

        if sys.argv[3:] == ["moving"]:
            from .moving import migration  # noqa: F401
    except ImportError as error:
        return Failure("version", f"{sys.executable} cannot import {error.name}", name=error.name)
    return None


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Imports make many objects and hardly any garbage: to look for it would take a sixth of their time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextlib.contextmanager
def _without_colours() -> Iterator[None]:
    """Mako, which Alembic imports, colours HTML tracebacks if this imports: a seventh of the time."""
    name = "mako.ext.pygmentplugin"
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


def _described(error: BaseException) -> dict[str, Any]:
    from ..wire.redaction import without_passwords
    from .importing.tracebacks import first_line

    if isinstance(error, Failure):
        detail = without_passwords(error.detail) if error.detail else None
        return {
            "kind": error.kind,
            "message": without_passwords(error.message),
            "detail": detail,
            **error.data,
        }
    import traceback

    detail = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return {"kind": "internal", "message": first_line(error), "detail": without_passwords(detail)}


def _serve(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    name = request["do"]
    if name not in _REQUESTS:
        raise Failure("internal", f"no such request: {name}")
    module, _, function = _REQUESTS[name].partition(":")
    handle = getattr(importlib.import_module(f"{__package__}.{module}"), function)
    if name not in _TIMED:
        answer: dict[str, Any] = handle(session, request)
        return answer
    # If the time is up, its stack goes to stderr and the process ends: nothing in it can be interrupted.
    faulthandler.dump_traceback_later(float(request.get("limit") or 0) or 1e6, exit=True)
    try:
        with _without_collecting() if name == "schema" else contextlib.nullcontext():
            answer = handle(session, request)
            return answer
    finally:
        faulthandler.cancel_dump_traceback_later()

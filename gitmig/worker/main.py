"""The worker's loop: one request after the other until the command line closes the channel.

This module and channel.py are read by any Python 3.7 or later, so that a version too old is told in words.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import sys
from typing import TYPE_CHECKING, Any

from .channel import Channel, Failure, ParentGone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .session import Session

PYTHON_FLOOR = (3, 10)


def main() -> int:
    """Serve requests on stdin. Returns the exit code: 0, or 1 where the command line vanished."""
    if "" in sys.path:
        sys.path.remove("")  # modules in the current directory must not shadow the standard library's
    channel = Channel.claim()
    # Whose code it was that crashed is told where stderr goes.
    faulthandler.enable()
    with _without_collecting():
        missing = _prepare()
    # These stay: no collection needs to go through them again, here or in a fork.
    gc.freeze()
    session: Session | None = None
    try:
        while True:
            request = channel.read()
            try:
                if missing is not None:
                    raise missing
                if request["do"] == "fork":
                    twin = channel.fork(request["address"])
                    if twin is not None:
                        channel = twin
                        continue
                if request["do"] == "open":
                    from .session import Options, Session

                    session = Session(channel, Options.of(request))
                if request["do"] == "fork":
                    answer = {}
                elif request["do"] == "initialise":
                    from .requests.initialise import initialise

                    answer = initialise(request)
                else:
                    assert session is not None, "the first request is `open`"
                    answer = _serve(session, request)
            except (ParentGone, KeyboardInterrupt):
                return 1
            except BaseException as error:  # SystemExit of user code included: the loop goes on
                channel.write(error=_told(error))
                if isinstance(error, Failure) and error.kind == "interrupted":
                    return 1
            else:
                channel.write(ok=answer)
    except ParentGone:
        return 0
    except KeyboardInterrupt:
        return 1
    finally:
        if session is not None:
            session.close()
        channel.wait_for_forks()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                os.close(2)


def _prepare() -> Failure | None:
    """Import what is heavy while the command line is still at work in git."""
    if sys.version_info < PYTHON_FLOOR:
        message = "Python {}.{} is too old: gitmig needs {}.{} or later in the project"
        return Failure("version", message.format(*sys.version_info[:2], *PYTHON_FLOOR), name="python")
    try:
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


def _told(error: BaseException) -> dict[str, Any]:
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
    if name == "open":
        from .requests.open import open_session

        return open_session(session)
    if name == "schema":
        from .requests.schema import read_schema

        # An env.py that waits for a service would hold up a commit for ever. Where its import stood is told
        # on stderr, and the process ends: nothing in it could be interrupted.
        faulthandler.dump_traceback_later(float(request.get("limit") or 0) or 1e6, exit=True)
        try:
            with _without_collecting():
                return read_schema(session)
        finally:
            faulthandler.cancel_dump_traceback_later()
    if name == "prove":
        from .proving.prove import prove

        faulthandler.dump_traceback_later(float(request.get("limit") or 0) or 1e6, exit=True)
        try:
            return prove(session, request)
        finally:
            faulthandler.cancel_dump_traceback_later()
    if name == "replay":
        from .proving.replay import replay

        return replay(session, request)
    if name == "live":
        from .proving.live import describe_live

        return describe_live(session, request)
    if name == "heads":
        from .environment.heads import read_heads

        return read_heads(session)
    if name == "present":
        from .environment.heads import find_present

        return find_present(session, request)
    if name == "migrate":
        from .moving.migration import migrate

        return migrate(session, request)
    if name == "draft":
        from .drafting.draft import draft

        return draft(session, request)
    if name == "parent":
        from .drafting.parents import describe_parent

        return describe_parent(session, request)
    if name == "ledger":
        from .requests.ledger import ledger

        return ledger(session, request)
    if name == "park":
        from .requests.park import parked

        return parked(session, request)
    if name == "format":
        from .drafting.draft import run_write_hooks

        return run_write_hooks(session, request)
    raise Failure("internal", f"no such request: {name}")

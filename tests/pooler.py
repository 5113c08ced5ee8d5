"""A transaction pooler before PostgreSQL, as small as can be: each transaction runs in the other session.

What a client sends between two "ready for query, no transaction" goes to one of its two servers' sessions,
in turns. Enough for psycopg2, which sends simple queries one at a time.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import cycle
from pathlib import Path

from sqlalchemy import make_url

_READY = b"Z"
_IDLE = b"I"


@contextmanager
def pooled(url: str, folder: Path) -> Iterator[str]:
    """The URL of the database through a pooler whose socket is in ``folder``."""
    parsed = make_url(url)
    server = f"{parsed.query['host']}/.s.PGSQL.{parsed.port or 5432}"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / ".s.PGSQL.5432"))
    listener.listen()
    threading.Thread(target=_accept, args=(listener, server), daemon=True).start()
    try:
        yield parsed.update_query_dict({"host": str(folder)}).render_as_string(hide_password=False)
    finally:
        listener.close()


def _accept(listener: socket.socket, server: str) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, server), daemon=True).start()


def _serve(client: socket.socket, server: str) -> None:
    with ExitStack() as stack, suppress(EOFError, OSError):
        stack.enter_context(client)
        length = _exactly(client, 4)
        startup = length + _exactly(client, struct.unpack("!I", length)[0] - 4)
        sessions = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2)]
        for session in sessions:
            session.connect(server)
            session.sendall(startup)
        greetings = [_until_ready(session) for session in sessions]
        client.sendall(greetings[0][0])
        for session in cycle(sessions):
            status = b""
            while status != _IDLE:
                session.sendall(_message(client)[1])
                answer, status = _until_ready(session)
                client.sendall(answer)


def _until_ready(session: socket.socket) -> tuple[bytes, bytes]:
    """Everything up to the server's readiness, and in what state of a transaction that is."""
    answer = b""
    while True:
        kind, message = _message(session)
        answer += message
        if kind == _READY:
            return answer, message[-1:]


def _message(source: socket.socket) -> tuple[bytes, bytes]:
    head = _exactly(source, 5)
    return head[:1], head + _exactly(source, struct.unpack("!I", head[1:])[0] - 4)


def _exactly(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = source.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data

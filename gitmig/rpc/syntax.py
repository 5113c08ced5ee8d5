"""Reading what the Python that runs gitmig cannot parse, with the project's interpreter.

Nothing of the project is imported: its interpreter is asked for a syntax tree, and answers as
``gitmig.core.parsing.rebuilt`` takes it.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import weakref
from collections.abc import Callable, Sequence

from gitmig.errors import GitmigError

_PROGRAM = """\
import ast, json, sys, warnings
warnings.simplefilter("ignore")
BASES = (ast.stmt, ast.expr, ast.pattern)

def plain(value):
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, (float, complex)):
        return {"constant": repr(value).replace("inf", "1e999")}
    if not isinstance(value, ast.AST):
        return value if value is None or isinstance(value, (str, int)) else {"constant": repr(value)}
    base = next((each for each in BASES if isinstance(value, each)), ast.AST)
    fields = {name: plain(getattr(value, name, None)) for name in value._fields}
    if not fields.get("type_params", True):
        del fields["type_params"]  # versions that do not have it yet leave it out
    names = ("lineno", "col_offset", "end_lineno", "end_col_offset")
    at = [getattr(value, name) for name in names if hasattr(value, name)]
    return {"node": type(value).__name__, "base": base.__name__, "at": at, "fields": fields}

for line in sys.stdin:
    try:
        answer = plain(ast.parse(json.loads(line)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        answer = None
    print(json.dumps(answer), flush=True)
"""


class ElsewhereReader:
    """Asks another Python for syntax trees; see ``gitmig.core.parsing.Reader``.

    ``command`` gives the command that starts it, asked for at the first text; a failure to start it, or to
    get an answer, counts as "cannot be read".
    """

    def __init__(self, command: Callable[[], Sequence[str]]):
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: dict[str, object] = {}

    def __call__(self, text: str) -> object:
        """The tree of a module's text, or None."""
        if text not in self._answers:
            self._answers[text] = self._ask(text)
        return self._answers[text]

    def _ask(self, text: str) -> object:
        with contextlib.suppress(GitmigError, OSError, ValueError, RecursionError):
            process = self._process or self._start()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(text).encode() + b"\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())
        return None

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            [*self._command(), "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        weakref.finalize(self, _end, self._process)
        return self._process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with contextlib.suppress(OSError):
        process.communicate()

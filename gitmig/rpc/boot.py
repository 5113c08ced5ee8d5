"""What the project's interpreter runs first; the text of this file is an argument of it.

The argument after it is the folder of gitmig. The worker is loaded from there, under a private name: the
project's interpreter need not have gitmig. ``_gitmig`` is that folder without its ``__init__``, so that the
worker's ``from ..wire import …`` means there what it means in gitmig's own process. Nothing of the project
may come in before that (it may have a ``types.py``), and its atexit handlers are not waited for.

In a container the folder may not be there, or may be another one: ``INODE`` says which it is. Then the source
comes through the pipe. Read by any Python 3.7 or later.
"""

from __future__ import annotations

import os
import sys
from typing import Any

if "" in sys.path:
    sys.path.remove("")
if os.environ.get("PYTHONHASHSEED") != "0" and hasattr(sys, "orig_argv"):
    # The order of a set decides a CHECK constraint's text, and a container has an environment of its own.
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _same_folder(path: str, number: str) -> bool:
    try:
        found = os.stat(path)
    except OSError:
        return False
    return f"{found.st_dev}:{found.st_ino}" == number


def _from_pipe() -> None:
    import json

    os.write(1, b'{"need": "source"}\n')
    data = b""
    while not data.endswith(b"\n"):
        part = os.read(0, 1 << 16)
        if not part:
            os._exit(0)
        data += part
    sources = json.loads(data)["source"]

    class FromPipe:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> Any:
            if name not in sources:
                return None
            kind: Any = type(sys.__spec__)
            return kind(name, FromPipe, origin=f"<{name}>", is_package=sources[name][0])

        @staticmethod
        def create_module(spec: object) -> None:
            return None

        @staticmethod
        def exec_module(module: Any) -> None:
            name = module.__name__
            exec(compile(sources[name][1], f"<{name}>", "exec"), module.__dict__)

    finder: Any = FromPipe
    sys.meta_path.insert(0, finder)


_package: Any = type(sys)("_gitmig")
_package.__path__ = [sys.argv[1]]
sys.modules["_gitmig"] = _package
if not _same_folder(sys.argv[1], sys.argv[2]):
    _package.__path__ = []
    _from_pipe()
os.write(1, b'{"ready": true}\n')
from _gitmig.worker.main import main  # type: ignore[import-not-found]  # noqa: E402

os._exit(main())

"""Syntax that the Python that runs gitmig does not know, read by the project's."""

from __future__ import annotations

import ast
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import alembic
import pytest

import gitmig
from gitmig.core import parsing
from gitmig.core.revisions.scripts import read_script_bytes
from gitmig.errors import NoInterpreter
from gitmig.rpc.syntax import ElsewhereReader
from tests.bad import FIRST, script, with_two_revisions

PACKAGE = Path(gitmig.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
EVERYTHING = """\
import a.b as c
x: int = 1
match x:
    case {"a": [1, *rest], **more} if rest: pass
    case int(y) | str(): pass
async def f(a, /, b=1j, *c, d: "x" = ..., **e):
    async with a as b, c: await b
    return f"{a!r:>{b}} {{}}" b"\\xff" if False else [i async for i in a if i]
lambda: (yield)
try: pass
except* ValueError as e: raise e from None
del x[1:2, ..., -0.5e400]
print(f'{x:%Y}', b'\\xff\\x00inf', 'ü\\ud800', 10**100, -1, True, None, ...)
"""


@pytest.fixture
def reader() -> ElsewhereReader:
    """Reads with this very Python."""
    return ElsewhereReader(lambda: [sys.executable])


@pytest.fixture
def used() -> Iterator[None]:
    """Takes away the reader that a test has set."""
    yield
    parsing.use_reader(None)


def dump(module: ast.AST) -> str:
    """The whole tree, with its positions."""
    return ast.dump(module, include_attributes=True)


def test_what_another_python_describes_is_its_tree(reader: ElsewhereReader) -> None:
    assert len(FILES) > 100
    everything = EVERYTHING if sys.version_info >= (3, 11) else EVERYTHING.replace("except*", "except")
    everything = everything.replace(' b"\\xff"', "")
    for text in (everything, *(path.read_text("utf-8") for path in FILES)):
        assert dump(parsing.rebuilt(reader(text))) == dump(ast.parse(text))


def test_what_neither_reads(reader: ElsewhereReader, used: None) -> None:
    assert reader("def f(:") is None
    assert reader("x = \0") is None
    assert reader("x = " + "[" * 5000 + "]" * 5000) is None
    parsing.use_reader(reader)
    with pytest.raises(SyntaxError):
        parsing.parse_module("def f(:")


def test_another_python_that_cannot_be_started(used: None) -> None:
    def none() -> list[str]:
        raise NoInterpreter("no Python interpreter of the project was found", hint="")

    for command in (none, lambda: ["/nowhere/python"], lambda: ["true"], lambda: ["echo", "{"]):
        parsing.use_reader(ElsewhereReader(command))
        with pytest.raises(SyntaxError):
            parsing.parse_module("def f(:")


def test_another_python_is_asked_only_if_this_one_cannot_read_it(used: None) -> None:
    asked: list[str] = []
    parsing.use_reader(asked.append)
    parsing.parse_module("x = 1")
    assert asked == []
    for text in ("x =", "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> main\n"):
        with pytest.raises(SyntaxError):
            parsing.parse_module(text)
    assert asked == ["x ="]


def test_classes_that_this_python_does_not_have(used: None) -> None:
    at = [1, 0, 1, 1]

    def node(name: str, base: str = "AST", /, **fields: object) -> dict[str, object]:
        return {"node": name, "base": base, "at": at, "fields": fields}

    said = node("Constant", "expr", value="abc", kind=None)
    unknown = node("Hereafter", "stmt", body=[node("Expr", "stmt", value=said)], mood="may")
    function = node("FunctionDef", "stmt", name="f", body=[unknown], colour="red")
    module = parsing.rebuilt(node("Module", body=[function, unknown], type_ignores=[]))
    assert isinstance(module, ast.Module)
    assert [type(each).__name__ for each in module.body] == ["FunctionDef", "Hereafter"]
    assert isinstance(module.body[0], ast.FunctionDef)
    assert isinstance(module.body[1], ast.stmt)
    assert [each.value for each in ast.walk(module) if isinstance(each, ast.Constant)] == ["abc", "abc"]
    assert "colour='red'" in ast.dump(module)


def newer() -> Path:
    """A Python of another version than this one that is installed here."""
    for minor in range(30, 11, -1):
        found = shutil.which(f"python3.{minor}")
        if minor <= sys.version_info.minor or found is None:
            continue
        if subprocess.run([found, "-c", "pass"], capture_output=True, check=False).returncode == 0:
            return Path(found)
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)  # HOME is the tests' own
        versions = sorted(home.glob(f".pyenv/versions/3.{minor}.*/bin/python"))
        if versions:
            return versions[-1]
    pytest.skip("needs a newer Python beside this one")


def test_a_project_whose_python_is_newer(tmp_path: Path) -> None:
    site = f"{Path(alembic.__file__).parent.parent}:{PACKAGE.parent}"
    python = tmp_path / "newer"
    python.write_text(
        f'#!/bin/sh\nPYTHONPATH="{site}" DISABLE_SQLALCHEMY_CEXT_RUNTIME=1 exec "{newer()}" "$@"\n'
    )
    python.chmod(0o755)
    project = with_two_revisions(tmp_path)
    path = script(project, FIRST)
    project.write(path, project.read(path).replace("import op\n", "import op\n\ntype Rows = list[int]\n"))
    data = project.path(path).read_bytes()
    project.git("commit", "--quiet", "--all", "-m", "Newer")
    unread = project.gitmig("log", "--json").json
    assert sys.version_info >= (3, 12) or [each["code"] for each in unread["findings"]] == ["GM006", "GM005"]
    project.git("config", "gitmig.python", str(python))
    log = project.gitmig("log", "--json", check=0).json
    assert [each["revision"] for each in log["revisions"]][-1] == FIRST
    assert log["findings"] == []
    project.gitmig("rollback", "--yes", "base", check=0)
    project.gitmig("upgrade", check=0)
    assert read_script_bytes(path, data) is not None

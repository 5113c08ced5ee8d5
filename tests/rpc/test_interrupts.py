"""A signal that comes when a command has its result."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ENDS = """
import atexit, os, signal
@atexit.register
def late():
    os.kill(os.getpid(), signal.{name})
    print("tidied up")
from gitmig.cli.main import main
main(["log", "--json"])
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_the_exit_code_and_the_tidying_stay(name: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", ENDS.format(name=name)], cwd=tmp_path, capture_output=True, text=True
    )
    assert (run.returncode, run.stdout.splitlines()[-1:]) == (2, ["tidied up"])
    assert "Traceback" not in run.stderr
    assert "Interrupt" not in run.stderr

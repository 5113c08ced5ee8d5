"""What is installed: gitmig, and nothing of the example, the tests or the documentation."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import gitmig

_TOP = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(_TOP)],
        check=True,
        capture_output=True,
    )
    (built,) = folder.iterdir()
    return zipfile.Path(built)


def test_it_contains_gitmig_only(wheel: zipfile.Path) -> None:
    information = f"gitmig-{gitmig.__version__}.dist-info"
    assert {entry.name for entry in wheel.iterdir()} == {"gitmig", information}


def test_it_contains_every_module(wheel: zipfile.Path) -> None:
    packed = {name for name in wheel.root.namelist() if name.startswith("gitmig/") and name[-1] != "/"}
    there = {
        path.relative_to(_TOP).as_posix()
        for path in (_TOP / "gitmig").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == there
    assert "gitmig/py.typed" in packed


def test_it_installs_the_command(wheel: zipfile.Path) -> None:
    (information,) = (entry for entry in wheel.iterdir() if entry.name.endswith(".dist-info"))
    points = (information / "entry_points.txt").read_text(encoding="utf-8").splitlines()
    assert "gitmig = gitmig.cli.main:main" in points
    # Alembic's plugin, which keeps the ledger out of autogenerate's sight.
    assert "alembic.autogenerate.gitmig = gitmig.worker.hidden:plugin" in points

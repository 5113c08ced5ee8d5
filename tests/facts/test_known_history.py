"""What is remembered of a repository: a cold and a warm cache give the same answers."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from random import Random

import pytest

from gitmig.core.revisions.scripts import Script
from gitmig.git.repository import Repository
from gitmig.git.trees import CommitTree
from gitmig.state.facts import Facts, packed, unpacked
from gitmig.state.scripts import KnownScripts
from tests.gitroom.conftest import Builder
from tests.known_histories import Play


@pytest.mark.parametrize("seed", range(3))
def test_same_answers(tmp_path: Path, seed: int) -> None:
    play = Play(tmp_path / "project", Random(seed))
    for _ in range(10):
        play.step()
        play.check()


def test_what_is_known_is_not_read_again(tmp_path: Path) -> None:
    play = Play(tmp_path / "project", Random(3))
    play.work(revisions=3)
    play.check()
    assert play.readings == 1
    play.work(revisions=2)
    play.check()
    assert play.readings == 1


def test_ties_are_remembered_while_nothing_is_committed_that_they_depend_on(tmp_path: Path) -> None:
    play = Play(tmp_path / "project", Random(3))
    play.work(revisions=3)
    play.check()
    play.note()
    play.check()
    assert play.found == 1
    play.work(revisions=1)
    play.check()
    assert play.found == 1


_SCRIPT = """'''Add it

Revision ID: c
Models: 0123456789abcdef
Squashes: b c
Backport-of: d
'''
revision = "c"
down_revision = "a"
depends_on = "x"
branch_labels = %s


def upgrade():
    # gitmig: write by hand: rows
    pass
"""


@pytest.mark.parametrize("labels", ["('one',)", "(NAME,)"])
def test_all_that_a_script_says_is_remembered(
    tmp_path: Path, build: Builder, opened: Callable[[Path], Repository], labels: str
) -> None:
    build.commit({"versions/c.py": _SCRIPT % labels})
    repository = opened(build.top)
    tree = CommitTree(repository, repository.resolve("HEAD"))
    facts = Facts(tmp_path / "state")
    read, again = (KnownScripts(facts).of_tree(tree, ["versions/c.py"])["versions/c.py"] for _ in range(2))
    assert isinstance(read, Script)
    assert again == read
    assert (again.revision_line, again.parents_line) == (read.revision_line, read.parents_line)
    unsaid = {field.name for field in fields(Script) if getattr(read, field.name) in ((), "", None, False)}
    assert unsaid == {"nameless_branch" if "one" in labels else "branch_labels"}


class TestFacts:
    """The file."""

    def test_found_again(self, tmp_path: Path) -> None:
        Facts(tmp_path).store("kind", {str(number): b"value %d" % number for number in range(2000)})
        found = Facts(tmp_path).find_all("kind", [str(number) for number in range(1999, 2010)])
        assert found == {"1999": b"value 1999"}
        assert Facts(tmp_path).find("other", "1") is None

    def test_nobody_else_reads_it(self, tmp_path: Path) -> None:
        Facts(tmp_path / "state").store("kind", {"key": b"value"})
        assert stat.S_IMODE((tmp_path / "state/facts.sqlite").stat().st_mode) == 0o600

    @pytest.mark.parametrize("left", [0, 10, 100, 5000])
    def test_cut_off(self, tmp_path: Path, left: int) -> None:
        self._cut_off(tmp_path, left)
        assert Facts(tmp_path).find("kind", "7") in (None, b"value" * 100)
        self._cut_off(tmp_path, left)
        Facts(tmp_path).store("kind", {"7": b"new"})
        Facts(tmp_path).store("kind", {"7": b"new"})
        assert Facts(tmp_path).find("kind", "7") == b"new"

    def _cut_off(self, folder: Path, left: int) -> None:
        Facts(folder).store("kind", {str(number): b"value" * 100 for number in range(100)})
        file = folder / "facts.sqlite"
        file.write_bytes(file.read_bytes()[:left])

    def test_other_bytes(self, tmp_path: Path) -> None:
        Facts(tmp_path).store("kind", {"key": b"value"})
        file = tmp_path / "facts.sqlite"
        file.write_bytes(file.read_bytes().replace(b"value", b"malue"))
        assert Facts(tmp_path).find("kind", "key") is None

    def test_of_another_version(self, tmp_path: Path) -> None:
        Facts(tmp_path).store("kind", {"key": b"value"})
        with sqlite3.connect(tmp_path / "facts.sqlite") as database:
            database.execute("UPDATE version SET version = 'another'")
        database.close()
        assert Facts(tmp_path).find("kind", "key") is None
        Facts(tmp_path).store("kind", {"other": b"value"})
        assert Facts(tmp_path).find_all("kind", ["key", "other"]) == {"other": b"value"}

    def test_a_folder_that_cannot_be_written_to(self, tmp_path: Path) -> None:
        (tmp_path / "state").write_text("a file\n")
        Facts(tmp_path / "state").store("kind", {"key": b"value"})
        assert Facts(tmp_path / "state").find("kind", "key") is None

    def test_several_processes_at_once(self, tmp_path: Path) -> None:
        context = multiprocessing.get_context("fork")
        processes = [context.Process(target=_work, args=(tmp_path, number)) for number in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        # A busy machine may make one give up, which is no error; what is there is whole.
        assert [process.exitcode for process in processes] == [0] * 4
        found = Facts(tmp_path).find_all(
            "kind", [f"{number} {turn}" for number in range(4) for turn in range(30)]
        )
        assert found
        assert set(found.values()) == {b"value"}


def _work(folder: Path, number: int) -> None:
    facts = Facts(folder)
    for turn in range(30):
        facts.store("kind", {f"{number} {turn}": b"value"})
        assert facts.find("kind", f"{number} {turn}") in (None, b"value")


def test_a_damaged_text() -> None:
    assert unpacked(packed("täxt\udc80")) == "täxt\udc80"
    assert unpacked(packed("text" * 100)[:-3]) is None
    assert unpacked(b"text") is None

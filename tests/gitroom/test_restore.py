"""Putting files back: the bytes on disk before and after, and who refuses what."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitmig.errors import Refused
from gitmig.git.repository import Repository
from gitmig.git.restore import Restoration, apply, check, edits, plan_restoration
from gitmig.wire.values import CommitId
from tests.gitroom.conftest import Builder

MODELS = ["app/models"]
Open = Callable[[Path], Repository]


@pytest.fixture
def old(build: Builder) -> CommitId:
    """A package of models, and then another version of it: the commit of the first."""
    first = build.commit(
        {
            "app/__init__.py": "",
            "app/models/__init__.py": "from .user import User\n",
            "app/models/user.py": "class User: ...\n",
            "app/models/old/group.py": "class Group: ...\n",
            "unrelated.py": "1",
        }
    )
    build.commit(
        {
            "app/models/__init__.py": "from .account import Account\n",
            "app/models/user.py": None,
            "app/models/account.py": "class Account: ...\n",
            "app/models/old/group.py": None,
            "app/models/new/team.py": "class Team: ...\n",
            "unrelated.py": "2",
        }
    )
    return first


def restore(repository: Repository, target: CommitId, models: list[str] | None = None) -> Restoration:
    restoration = plan_restoration(repository, target, models or MODELS)
    check(repository, restoration)
    apply(repository, restoration)
    return restoration


@contextmanager
def refused(build: Builder, message: str, hint: str | None = None) -> Iterator[None]:
    """Refusing changes no byte, neither on disk nor in the index."""
    before, index = build.files(), (build.top / ".git/index").read_bytes()
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.message == message
    if hint is not None:
        assert caught.value.hint == hint
    assert build.files() == before
    assert (build.top / ".git/index").read_bytes() == index


def models_of(build: Builder) -> dict[str, bytes]:
    return {path: data for path, data in build.files().items() if path.startswith("app/models/")}


OLD = {
    "app/models/__init__.py": b"from .user import User\n",
    "app/models/user.py": b"class User: ...\n",
    "app/models/old/group.py": b"class Group: ...\n",
}


def test_files_are_changed_added_and_removed(build: Builder, repository: Repository, old: CommitId) -> None:
    index = (build.top / ".git/index").read_bytes()
    restoration = restore(repository, old)
    assert models_of(build) == OLD
    assert restoration.removed == ("app/models/account.py", "app/models/new/team.py")
    assert len(restoration.paths) == 5
    assert not (build.top / "app/models/new").exists()
    assert (build.top / "unrelated.py").read_bytes() == b"2"
    assert (build.top / ".git/index").read_bytes() == index
    repository.close()
    assert not repository.private().exists()


def test_there_and_back_again(build: Builder, repository: Repository, old: CommitId) -> None:
    before, new = build.files(), build.head()
    restore(repository, old)
    restore(repository, new)
    assert build.files() == before
    assert build.git("status", "--porcelain") == ""


def test_nothing_to_do(build: Builder, repository: Repository, old: CommitId) -> None:
    restoration = restore(repository, build.head())
    assert (restoration.old, restoration.new, restoration.paths) == ({}, {}, ())


def test_check_writes_nothing(build: Builder, repository: Repository, old: CommitId) -> None:
    before = build.files()
    check(repository, plan_restoration(repository, old, MODELS))
    assert build.files() == before


def test_other_staged_work_stays_staged(build: Builder, repository: Repository, old: CommitId) -> None:
    build.write("unrelated.py", "staged")
    build.git("add", "unrelated.py")
    build.write("unrelated.py", "unstaged")
    restore(repository, old)
    assert build.git("show", ":unrelated.py") == "staged"
    assert (build.top / "unrelated.py").read_bytes() == b"unstaged"


def test_an_unstaged_edit(build: Builder, repository: Repository, old: CommitId) -> None:
    build.write("app/models/account.py", "mine")
    with refused(
        build,
        "app/models/account.py would be lost: git does not hold what is in it now",
        "git stash push -- app/models/account.py, or commit first",
    ):
        plan_restoration(repository, old, MODELS)


def test_a_staged_edit(build: Builder, repository: Repository, old: CommitId) -> None:
    build.write("app/models/account.py", "mine")
    build.git("add", "--all")
    with refused(build, "app/models/account.py would be lost: git does not hold what is in it now"):
        plan_restoration(repository, old, MODELS)


def test_a_staged_edit_that_was_taken_back_on_disk(
    build: Builder, repository: Repository, old: CommitId
) -> None:
    build.write("app/models/account.py", "mine")
    build.git("add", "--all")
    build.write("app/models/account.py", "class Account: ...\n")
    with refused(build, "app/models/account.py would be lost: git does not hold what is in it now"):
        plan_restoration(repository, old, MODELS)


def test_staged_and_further_edited(build: Builder, repository: Repository, old: CommitId) -> None:
    build.write("app/models/account.py", "mine")
    build.git("add", "--all")
    build.write("app/models/account.py", "mine too")
    with refused(build, "app/models/account.py would be lost: git does not hold what is in it now"):
        plan_restoration(repository, old, MODELS)


def test_an_untracked_file_among_the_models(build: Builder, repository: Repository, old: CommitId) -> None:
    build.write("app/models/mine.py", "mine")
    build.write("app/models/too.py", "mine")
    with refused(
        build, "app/models/mine.py, app/models/too.py would be lost: git does not hold what is in them now"
    ):
        plan_restoration(repository, old, MODELS)


def test_an_untracked_file_in_the_way(build: Builder, repository: Repository, old: CommitId) -> None:
    build.write("app/models/user.py", "mine")
    with refused(build, "app/models/user.py would be lost: git does not hold what is in it now"):
        plan_restoration(repository, old, MODELS)


def test_an_untracked_file_that_is_already_right(
    build: Builder, repository: Repository, old: CommitId
) -> None:
    build.write("app/models/user.py", "class User: ...\n")
    restore(repository, old)
    assert models_of(build) == OLD


def test_a_file_of_a_virtual_environment_in_the_way(
    build: Builder, repository: Repository, old: CommitId
) -> None:
    """git is not asked about them."""
    build.write("app/models/pyvenv.cfg", "")
    build.write("app/models/user.py", "mine")
    with refused(build, "app/models/user.py would be lost: git does not hold what is in it now"):
        plan_restoration(repository, old, MODELS)
    (build.top / "app/models/user.py").unlink()
    restore(repository, old)
    assert (build.top / "app/models/pyvenv.cfg").exists()


def test_an_ignored_file_in_the_way(build: Builder, repository: Repository, old: CommitId) -> None:
    build.write(".git/info/exclude", "user.py\n")
    build.write("app/models/user.py", "mine")
    with refused(build, "app/models/user.py would be lost: git does not hold what is in it now"):
        plan_restoration(repository, old, MODELS)


def test_an_ignored_file_that_is_not_in_the_way_stays(
    build: Builder, repository: Repository, old: CommitId
) -> None:
    build.write(".git/info/exclude", "*.log\n")
    build.write("app/models/new/x.log", "mine")
    restore(repository, old)
    assert models_of(build) == OLD | {"app/models/new/x.log": b"mine"}


@pytest.mark.parametrize("name", ["x.py", "deep/x.py", "__pycache__/x.pyc"])
def test_a_folder_where_a_file_goes(build: Builder, repository: Repository, old: CommitId, name: str) -> None:
    build.write(".git/info/exclude", "user.py/\n")
    build.write(f"app/models/user.py/{name}", "mine")
    with refused(
        build,
        f"app/models/user.py/{name} is in the way: app/models/user.py is to be a file",
        f"move it away: mv app/models/user.py/{name} app/models/user.py/{name}.mine",
    ):
        plan_restoration(repository, old, MODELS)


def test_an_empty_folder_where_a_file_goes(build: Builder, repository: Repository, old: CommitId) -> None:
    (build.top / "app/models/user.py/empty").mkdir(parents=True)
    restore(repository, old)
    assert models_of(build) == OLD


def test_a_file_where_a_folder_goes(build: Builder, repository: Repository, old: CommitId) -> None:
    build.write(".git/info/exclude", "old\n")
    (build.top / "app/models/old").rmdir()
    build.write("app/models/old", "mine")
    with refused(build, "app/models/old is a file where a folder goes"):
        plan_restoration(repository, old, MODELS)


def test_a_file_that_became_a_folder(build: Builder, repository: Repository) -> None:
    first = build.commit({"app/models": "file"})
    second = build.commit({"app/models": None, "app/models/__init__.py": "package"})
    restore(repository, first)
    assert (build.top / "app/models").read_bytes() == b"file"
    restore(repository, second)
    assert models_of(build) == {"app/models/__init__.py": b"package"}


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_an_edit_hidden_from_git(build: Builder, repository: Repository, old: CommitId, flag: str) -> None:
    build.git("update-index", flag, "app/models/account.py")
    build.write("app/models/account.py", "mine")
    with refused(build, "app/models/account.py would be lost: git does not hold what is in it now"):
        plan_restoration(repository, old, MODELS)


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_a_hidden_file_without_edits(
    build: Builder, repository: Repository, old: CommitId, flag: str
) -> None:
    build.git("update-index", flag, "app/models/account.py")
    restore(repository, old)
    assert models_of(build) == OLD


def test_an_edit_of_the_same_size_in_the_same_second(
    build: Builder, repository: Repository, old: CommitId
) -> None:
    place = build.top / "app/models/account.py"
    stat = place.stat()
    build.write("app/models/account.py", "class Ackount: ...\n")
    os.utime(place, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with refused(build, "app/models/account.py would be lost: git does not hold what is in it now"):
        plan_restoration(repository, old, MODELS)


def test_an_unmerged_index(build: Builder, repository: Repository, old: CommitId) -> None:
    build.git("checkout", "--quiet", "-b", "side")
    build.commit({"app/models/account.py": "2"})
    build.git("checkout", "--quiet", "main")
    build.commit({"app/models/account.py": "3"})
    with pytest.raises(AssertionError):
        build.git("merge", "side")
    with refused(build, "app/models/account.py has conflicts"):
        plan_restoration(repository, old, MODELS)


@pytest.mark.parametrize("ignored", [False, True])
def test_a_models_folder_that_is_a_link(
    build: Builder, repository: Repository, old: CommitId, ignored: bool
) -> None:
    os.rename(build.top / "app/models", build.top / "elsewhere")
    os.symlink("../elsewhere", build.top / "app/models")
    build.write(".git/info/exclude", "models\n" if ignored else "")
    with refused(build, "app/models is a symbolic link, so app/models/__init__.py lies elsewhere"):
        plan_restoration(repository, old, MODELS)


def test_a_link_is_put_back_as_a_link(build: Builder, repository: Repository) -> None:
    os.symlink("somewhere", build.write("app/x", "").parent / "models")
    first = build.commit()
    build.remove("app/models")
    build.commit({"app/models/__init__.py": "p"})
    restore(repository, first)
    assert os.readlink(build.top / "app/models") == "somewhere"


def test_leftover_bytecode_of_removed_modules_goes(
    build: Builder, repository: Repository, old: CommitId
) -> None:
    for path in ("new/__pycache__/team.cpython-311.pyc", "new/__pycache__/gone.cpython-311.pyc"):
        build.write(f"app/models/{path}", "bytecode")
    for name in ("account.cpython-311.opt-1", "account_type.cpython-311", "__init__.cpython-311"):
        build.write(f"app/models/__pycache__/{name}.pyc", "bytecode")
    build.write(".git/info/exclude", "__pycache__\n")
    restore(repository, old)
    assert models_of(build) == OLD | {
        "app/models/__pycache__/account_type.cpython-311.pyc": b"bytecode",
        "app/models/__pycache__/__init__.cpython-311.pyc": b"bytecode",
    }
    assert not (build.top / "app/models/new").exists()


def test_other_files_beside_bytecode_stay(build: Builder, repository: Repository, old: CommitId) -> None:
    build.write(".git/info/exclude", "__pycache__\n")
    build.write("app/models/new/__pycache__/notes.txt", "mine")
    build.write("app/models/new/__pycache__/team.cpython-311.pyc", "bytecode")
    restore(repository, old)
    assert models_of(build) == OLD | {"app/models/new/__pycache__/notes.txt": b"mine"}


def test_the_executable_bit(build: Builder, repository: Repository) -> None:
    first = build.commit({"app/models/run.py": "x"})
    (build.top / "app/models/run.py").chmod(0o755)
    second = build.commit()
    restore(repository, first)
    assert not os.access(build.top / "app/models/run.py", os.X_OK)
    restore(repository, second)
    assert os.access(build.top / "app/models/run.py", os.X_OK)


def test_line_endings_follow_the_attributes(build: Builder, repository: Repository) -> None:
    first = build.commit({".gitattributes": "*.py text eol=crlf\n", "app/models/a.py": "1\r\n"})
    build.commit({"app/models/a.py": "2\r\n"})
    assert build.git("cat-file", "-s", "HEAD:app/models/a.py") == "2"
    restore(repository, first)
    assert (build.top / "app/models/a.py").read_bytes() == b"1\r\n"
    assert edits(repository, MODELS) == ()


def filtered(build: Builder, smudge: str) -> CommitId:
    build.git("config", "filter.case.clean", "tr A-Z a-z")
    build.git("config", "filter.case.smudge", smudge)
    build.git("config", "filter.case.required", "true")
    first = build.commit(
        {".gitattributes": "*.py filter=case\n", "app/models/a.py": "A", "app/models/b.py": "B"}
    )
    build.commit({"app/models/a.py": "AA", "app/models/b.py": "BB"})
    return first


def test_filters_are_applied(build: Builder, repository: Repository) -> None:
    restore(repository, filtered(build, "tr a-z A-Z"))
    assert models_of(build) == {"app/models/a.py": b"A", "app/models/b.py": b"B"}


def test_a_required_filter_that_fails(build: Builder, repository: Repository) -> None:
    first = filtered(build, "case %f in *b.py) exit 1;; *) tr a-z A-Z;; esac")
    with refused(build, "app/models/b.py cannot be written: its filter failed"):
        check(repository, plan_restoration(repository, first, MODELS))


def test_the_index_is_locked_by_another_process(
    build: Builder, repository: Repository, old: CommitId
) -> None:
    restoration = plan_restoration(repository, old, MODELS)
    lock = build.write(".git/index.lock", "")
    for attempt in (check, apply):
        with refused(build, f"another git command is at work here: {lock} exists"):
            attempt(repository, restoration)
    with refused(build, f"another git command is at work here: {lock} exists"):
        plan_restoration(repository, old, MODELS)
    assert lock.exists()


def test_files_outside_of_a_sparse_checkout(build: Builder, repository: Repository, old: CommitId) -> None:
    build.git("sparse-checkout", "set", "--no-cone", "/*", "!/app/models/old/")
    with refused(
        build,
        "app/models/old/group.py is outside of the sparse checkout",
        "git sparse-checkout add app/models/old",
    ):
        plan_restoration(repository, old, MODELS)


def test_files_inside_of_a_sparse_checkout(build: Builder, opened: Open, old: CommitId) -> None:
    build.git("sparse-checkout", "set", "app")
    restore(opened(build.top), old)
    assert models_of(build) == OLD


def test_a_linked_work_tree(build: Builder, opened: Open, old: CommitId, tmp_path: Path) -> None:
    before = build.files()
    build.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    linked = Builder(tmp_path / "linked")
    restore(opened(linked.top), old)
    assert models_of(linked) == OLD
    assert build.files() == before


def test_a_submodule(build: Builder, repository: Repository, old: CommitId) -> None:
    build.git("clone", "--quiet", str(build.top), "app/models/vendor")
    build.git("-c", "advice.addEmbeddedRepo=false", "add", "app/models/vendor")
    build.git("commit", "--quiet", "-m", "vendor")
    message = "the submodule app/models/vendor had no commit then, and gitmig does not move submodules"
    for models in (MODELS, ["app/models/vendor"]):
        with refused(build, message):
            plan_restoration(repository, old, models)
        assert plan_restoration(repository, build.head(), models).paths == ()
    vendor = build.git("rev-parse", "HEAD:app/models/vendor")
    build.git("-C", "app/models/vendor", "commit", "--quiet", "--allow-empty", "-m", "On")
    with refused(build, message.replace("no commit", vendor[:12])):
        plan_restoration(repository, build.head(), ["app/models/vendor/app"])


@pytest.mark.parametrize("name", ["sp ace ü.py", "glo*b[a]?.py", "new\nline.py", "-n", ":(top)x", '"q".py'])
def test_odd_names(build: Builder, repository: Repository, name: str) -> None:
    path = f"app/{name}"
    first = build.commit({path: "1", "app/glob.py": "stays"})
    second = build.commit({path: "2"})
    restore(repository, first, [path])
    assert build.files() == {path: b"1", "app/glob.py": b"stays"}
    restore(repository, second, ["app"])
    third = build.commit({path: None})
    restore(repository, first, ["app"])
    restore(repository, third, [path])
    assert build.files() == {"app/glob.py": b"stays"}
    build.write(path, "mine")
    shown = '"app/new\\nline.py"' if "\n" in name else shlex.quote(path)
    with refused(build, f"{shown} would be lost: git does not hold what is in it now"):
        plan_restoration(repository, first, ["app"])


def test_content_of_another_branch_is_no_edit(build: Builder, repository: Repository, old: CommitId) -> None:
    build.git("checkout", "--quiet", "-b", "side")
    build.commit({"app/models/account.py": "side"})
    build.git("checkout", "--quiet", "main")
    build.write("app/models/account.py", "side")
    assert edits(repository, MODELS) == ()
    restore(repository, old)
    assert models_of(build) == OLD


def test_a_deleted_file_is_no_edit(build: Builder, repository: Repository, old: CommitId) -> None:
    build.remove("app/models/account.py")
    restore(repository, old)
    assert models_of(build) == OLD


def test_edits_elsewhere_do_not_matter(build: Builder, repository: Repository, old: CommitId) -> None:
    build.write("app/__init__.py", "mine")
    build.write("app/models2.py", "mine")
    restore(repository, old)
    assert (build.top / "app/__init__.py").read_bytes() == b"mine"


@pytest.mark.parametrize("moment", ["edit", "new", "folder", "link", "gone"])
def test_changes_after_the_plan_are_seen(
    build: Builder, repository: Repository, old: CommitId, moment: str
) -> None:
    restoration = plan_restoration(repository, old, MODELS)
    match moment:
        case "edit":
            build.write("app/models/account.py", "mine")
            message = "app/models/account.py was changed meanwhile"
        case "new":
            build.write("app/models/user.py", "mine")
            message = "app/models/user.py is in the way"
        case "folder":
            build.write("app/models/user.py/x", "mine")
            message = "app/models/user.py/x is in the way: app/models/user.py is to be a file"
        case "link":
            os.rename(build.top / "app", build.top / "elsewhere")
            os.symlink("elsewhere", build.top / "app")
            message = "app is a symbolic link, so app/models/__init__.py lies elsewhere"
        case _:
            build.remove("app/models/account.py")
            message = "app/models/account.py was changed meanwhile"
    for attempt in (check, apply):
        with refused(build, message):
            attempt(repository, restoration)


def test_a_case_collision(build: Builder, repository: Repository) -> None:
    first = build.commit({"app/models/User.py": "1"})
    build.git("mv", "app/models/User.py", "app/models/user.py")
    build.commit()
    build.git("config", "core.ignorecase", "true")
    with refused(build, "app/models/user.py and app/models/User.py are one file on this disk"):
        plan_restoration(repository, first, MODELS)


def test_before_the_first_commit_everything_is_an_edit(build: Builder, repository: Repository) -> None:
    build.write("app/models/a.py", "1")
    assert edits(repository, MODELS) == ("app/models/a.py",)


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_stale_lock_of_ours_is_not_left(build: Builder, repository: Repository, old: CommitId) -> None:
    restore(repository, old)
    found = subprocess.run(["find", build.top / ".git", "-name", "*.lock"], capture_output=True, check=True)
    assert found.stdout == b""

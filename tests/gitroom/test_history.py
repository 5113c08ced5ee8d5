from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from gitmig.git import CommitTree, Repository, content_digest
from gitmig.git.history import History, Identities
from gitmig.graph import Graph
from gitmig.model import CommitId, RevisionId, Script, Tie
from gitmig.scripts import read_script_bytes
from gitmig.ties import Line, derive
from tests.gitroom.conftest import Builder, revision

Open = Callable[[Path], Repository]


def history(repository: Repository, versions: str = "versions", recursive: bool = False) -> History:
    return History(repository, versions=[versions], models=["models.py", "models"], recursive=recursive)


def line(repository: Repository, versions: str = "versions", recursive: bool = False) -> Line:
    return history(repository, versions, recursive).line(repository.resolve("HEAD"))


def told(line: Line) -> list[tuple[CommitId, list[str], list[str]]]:
    return [(fact.commit, sorted(fact.arrived), sorted(fact.left)) for fact in line.facts]


def ties(repository: Repository, versions: str = "versions") -> Mapping[str, Tie]:
    tree = CommitTree(repository, repository.resolve("HEAD"))
    scripts = [read_script_bytes(path, tree.read(path) or b"") for path in tree.ids(versions)]
    graph = Graph.of([script for script in scripts if isinstance(script, Script)])
    return {str(id): tie for id, tie in derive(graph, line(repository, versions)).items()}


def test_commits_that_change_nothing_are_left_out(build: Builder, repository: Repository) -> None:
    first = build.commit({"models.py": "1", "versions/a.py": revision("a", None)})
    build.commit({"other.py": "x", "versions/README": "x", "versions/deep/x.py": revision("x", "a")})
    second = build.commit({"models.py": "2"})
    build.commit({"versions/a.py": revision("a", None, "formatted")})
    third = build.commit({"versions/b.py": revision("b", "a")})
    assert told(line(repository)) == [(first, ["a"], []), (second, [], []), (third, ["b"], [])]
    digests = [fact.models for fact in line(repository).facts]
    assert digests == [history(repository).models_digest(commit) for commit in (first, second, third)]
    assert digests[1] == digests[2] == content_digest(CommitTree(repository, third), ["models.py"])


def test_the_whole_line_oldest_first(build: Builder, repository: Repository) -> None:
    first, second = build.commit(message="First"), build.commit(message="Second")
    commits = history(repository).mainline(second)
    assert [(commit.id, commit.subject) for commit in commits] == [(first, "First"), (second, "Second")]


def test_subfolders_count_when_recursive(build: Builder, repository: Repository) -> None:
    build.commit({"versions/2024/x.py": revision("x", None)})
    assert [sorted(fact.arrived) for fact in line(repository, recursive=True).facts] == [["x"]]
    assert line(repository).facts == ()


def test_revisions_are_told_by_id_and_not_by_path(build: Builder, repository: Repository) -> None:
    first = build.commit({"versions/a.py": revision("a", None)})
    build.git("mv", "versions/a.py", "versions/renamed.py")
    build.commit()
    second = build.commit({"versions/renamed.py": revision("b", None)})
    assert told(line(repository)) == [(first, ["a"], []), (second, ["b"], ["a"])]


def test_one_of_two_files_with_an_id_may_go(build: Builder, repository: Repository) -> None:
    first = build.commit({"versions/a.py": revision("a", None), "versions/copy.py": revision("a", None)})
    build.commit({"versions/copy.py": None})
    assert told(line(repository)) == [(first, ["a"], [])]


def test_no_models_at_all(build: Builder, repository: Repository) -> None:
    build.commit({"versions/a.py": revision("a", None)})
    build.commit({"models/x.py": "x"})
    build.commit({"models/x.py": None})
    assert [fact.models is None for fact in line(repository).facts] == [True, False, True]


def test_unreadable_files_and_odd_paths_are_passed_over(build: Builder, repository: Repository) -> None:
    build.commit(
        {
            "versions/bad.py": "revision = (",
            "versions/:new\nline.py": revision("n", None),
            "versions/latin.py": b"# -*- coding: latin-1 -*-\n# \xe9\nrevision = 'l'\ndown_revision = None\n",
        }
    )
    assert [sorted(fact.arrived) for fact in line(repository).facts] == [["l", "n"]]


def test_a_versions_folder_that_moved_twice(build: Builder, repository: Repository) -> None:
    first = build.commit({"migrations/a.py": revision("a", None), "models.py": "1"})
    second = build.commit({"migrations/b.py": revision("b", "a"), "models.py": "2"})
    (build.top / "src").mkdir()
    build.git("mv", "migrations", "src/alembic")
    build.commit()
    third = build.commit({"src/alembic/c.py": revision("c", "b")})
    (build.top / "versions").mkdir()
    for name in "abc":
        build.commit(
            {f"src/alembic/{name}.py": None, f"versions/{name}.py": revision(name, chr(ord(name) - 1))}
        )
    assert {id: tie.introduced for id, tie in ties(repository).items()} == {
        "a": first,
        "b": second,
        "c": third,
    }


def test_a_squash_takes_revisions_away(build: Builder, repository: Repository) -> None:
    build.commit(
        {"versions/a.py": revision("a", None), "versions/b.py": revision("b", "a"), "models.py": "1"}
    )
    second = build.commit(
        {"versions/a.py": None, "versions/b.py": None, "versions/s.py": revision("s", None), "models.py": "2"}
    )
    assert told(line(repository))[1] == (second, ["s"], ["a", "b"])


def test_a_merge_is_where_a_revision_was_introduced(build: Builder, repository: Repository) -> None:
    build.commit({"models.py": "1", "versions/a.py": revision("a", None)})
    build.git("checkout", "--quiet", "-b", "side")
    build.commit({"models.py": "2", "versions/b.py": revision("b", "a")})
    build.git("checkout", "--quiet", "main")
    build.commit({"other": "x"})
    build.git("merge", "--quiet", "-m", "merge", "side")
    merge = build.head()
    assert ties(repository)["b"].introduced == merge
    assert ties(repository)["b"].candidates == (merge,)
    assert line(repository).sides == {}


def test_two_revisions_of_one_merge_have_candidates_each(build: Builder, repository: Repository) -> None:
    build.commit({"models.py": "1", "models/mixin.py": "m", "versions/a.py": revision("a", None)})
    build.git("checkout", "--quiet", "-b", "side")
    build.commit({"unrelated": "x"})
    second = build.commit({"models.py": "2", "versions/b.py": revision("b", "a")})
    cosmetic = build.commit({"models.py": "2 # cosmetic"})
    build.commit({"models.py": "3", "versions/c.py": revision("c", "b")})
    build.git("checkout", "--quiet", "main")
    build.commit({"other": "x"})
    build.git("merge", "--quiet", "-m", "merge", "side")
    found, merge = ties(repository), build.head()
    assert (found["b"].introduced, found["b"].candidates) == (merge, (second, cosmetic))
    assert (found["c"].introduced, found["c"].candidates) == (merge, (merge,))
    [side] = line(repository).sides[merge]
    models = [fact.models for fact in side.facts if fact.commit == second]
    assert models == [history(repository).models_digest(second)]


def test_merges_within_merges(build: Builder, repository: Repository) -> None:
    build.commit({"models.py": "1", "versions/a.py": revision("a", None)})
    build.git("checkout", "--quiet", "-b", "develop")
    build.commit({"x": "1"})
    build.git("checkout", "--quiet", "-b", "feature")
    second = build.commit({"models.py": "2", "versions/b.py": revision("b", "a")})
    third = build.commit({"models.py": "3", "versions/c.py": revision("c", "b")})
    build.git("checkout", "--quiet", "develop")
    build.git("merge", "--quiet", "--no-ff", "-m", "feature", "feature")
    build.commit({"models.py": "4", "versions/d.py": revision("d", "c")})
    build.git("checkout", "--quiet", "main")
    build.git("merge", "--quiet", "--no-ff", "-m", "release", "develop")
    found = ties(repository)
    assert found["b"].candidates == (second,)
    assert found["c"].candidates == (build.head_of("develop~1"),)
    assert repository.git("diff", "--quiet", third, "develop~1", "--", "models.py") == b""


def test_a_merge_of_an_unrelated_history(build: Builder, repository: Repository) -> None:
    build.commit({"other": "1"})
    build.git("checkout", "--quiet", "--orphan", "lonely")
    build.git("rm", "-rfq", ".")
    first = build.commit({"models.py": "1", "versions/a.py": revision("a", None)})
    build.commit({"models.py": "2", "versions/b.py": revision("b", "a")})
    build.git("checkout", "--quiet", "main")
    build.git("merge", "--quiet", "--allow-unrelated-histories", "-m", "merge", "lonely")
    assert ties(repository)["a"].candidates == (first,)


def test_former_children_are_known(build: Builder, repository: Repository) -> None:
    build.commit({"versions/a.py": revision("a", None), "versions/x.py": revision("x", "a")})
    build.commit({"versions/x.py": None, "versions/b.py": revision("b", "a")})
    assert line(repository).former_children[RevisionId("a")] == {"x", "b"}


def test_a_shallow_clone_is_cut_off(
    build: Builder, repository: Repository, opened: Open, tmp_path: Path
) -> None:
    build.commit({"versions/a.py": revision("a", None), "models.py": "1"})
    last = build.commit({"versions/b.py": revision("b", "a"), "models.py": "2"})
    assert not line(repository).cut_off
    build.git("clone", "--quiet", "--depth=1", f"file://{build.top}", str(tmp_path / "clone"))
    clone = opened(tmp_path / "clone")
    assert line(clone).cut_off
    assert told(line(clone)) == [(last, ["a", "b"], [])]


def test_identities_are_kept_for_the_next_time(build: Builder, repository: Repository) -> None:
    build.commit({"versions/a.py": revision("a", None), "versions/no.py": "x = 1"})
    known: Identities = {}
    History(repository, versions=["versions"], models=[], identities=known).line(build.head())
    assert known == {build.blob("HEAD:versions/a.py"): ("a", ()), build.blob("HEAD:versions/no.py"): None}

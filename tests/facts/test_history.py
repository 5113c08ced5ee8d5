from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from gitmig.core.commits import History, Placed
from gitmig.core.paths import with_other_forms
from gitmig.core.replay import replay
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script, read_script_bytes
from gitmig.core.ties import Derivation, Tie
from gitmig.facts.history import read_history
from gitmig.facts.places import TrackedPlaces
from gitmig.facts.walk import Identities
from gitmig.git.contents import content_digest
from gitmig.git.repository import Repository
from gitmig.git.trees import CommitTree
from gitmig.wire.values import CommitId
from tests.gitroom.conftest import Builder, revision

Open = Callable[[Path], Repository]
MODELS = ("models.py", "models")


def history(
    repository: Repository,
    versions: str = "versions",
    recursive: bool = False,
    models: tuple[str, ...] = MODELS,
    identities: Identities | None = None,
) -> History:
    places = TrackedPlaces(
        versions=(versions,), recursive=recursive, models=tuple(((path,),) for path in models)
    )
    return read_history(repository, repository.resolve("HEAD"), places, identities=identities)


def told(history: History) -> list[tuple[CommitId, list[str], list[str]]]:
    """The facts of the line: commit, revisions that came or changed, revisions that left."""
    facts = [history.facts[place] for place in history.line]
    return [(fact.commit, sorted(fact.placed), sorted(fact.left)) for fact in facts]


def ties(repository: Repository, versions: str = "versions") -> Mapping[str, Tie]:
    tree = CommitTree(repository, repository.resolve("HEAD"))
    scripts = [read_script_bytes(path, tree.read(path) or b"") for path in tree.ids(versions)]
    graph = Graph.of([script for script in scripts if isinstance(script, Script)])
    replayed = replay(graph, history(repository, versions))
    found = Derivation(graph=graph, replayed=replayed, schemas={}).all()
    return {str(id): tie for id, tie in found.items()}


def test_commits_that_change_nothing_are_left_out(build: Builder, repository: Repository) -> None:
    first = build.commit({"models.py": "1", "versions/a.py": revision("a", None)})
    build.commit({"other.py": "x", "versions/README": "x", "versions/deep/x.py": revision("x", "a")})
    second = build.commit({"models.py": "2"})
    build.commit({"versions/a.py": revision("a", None, "formatted")})
    third = build.commit({"versions/b.py": revision("b", "a")})
    assert told(history(repository)) == [(first, ["a"], []), (second, [], []), (third, ["b"], [])]
    digests = [fact.models for fact in history(repository).facts]
    trees = [CommitTree(repository, commit) for commit in (first, second, third)]
    assert digests == [content_digest(tree, MODELS) for tree in trees]
    assert digests[1] == digests[2] == content_digest(CommitTree(repository, third), ["models.py"])


def test_subfolders_count_when_recursive(build: Builder, repository: Repository) -> None:
    build.commit({"versions/2024/x.py": revision("x", None)})
    assert [sorted(fact.placed) for fact in history(repository, recursive=True).facts] == [["x"]]
    assert history(repository).facts == ()


def test_revisions_are_told_by_id_and_not_by_path(build: Builder, repository: Repository) -> None:
    first = build.commit({"versions/a.py": revision("a", None)})
    build.git("mv", "versions/a.py", "versions/renamed.py")
    build.commit()
    second = build.commit({"versions/renamed.py": revision("b", None)})
    assert told(history(repository)) == [(first, ["a"], []), (second, ["b"], ["a"])]


def test_one_of_two_files_with_an_id_may_go(build: Builder, repository: Repository) -> None:
    first = build.commit({"versions/a.py": revision("a", None), "versions/copy.py": revision("a", None)})
    build.commit({"versions/copy.py": None})
    assert told(history(repository)) == [(first, ["a"], [])]


def test_no_models_at_all(build: Builder, repository: Repository) -> None:
    build.commit({"versions/a.py": revision("a", None)})
    build.commit({"models/x.py": "x"})
    build.commit({"models/x.py": None})
    assert [fact.models is None for fact in history(repository).facts] == [True, False, True]


def test_unreadable_files_and_odd_paths_are_passed_over(build: Builder, repository: Repository) -> None:
    build.commit(
        {
            "versions/bad.py": "revision = (",
            "versions/:new\nline.py": revision("n", None),
            "versions/latin.py": b"# -*- coding: latin-1 -*-\n# \xe9\nrevision = 'l'\ndown_revision = None\n",
        }
    )
    assert [sorted(fact.placed) for fact in history(repository).facts] == [["l", "n"]]


def test_identifiers_that_stand_below_a_function(build: Builder, repository: Repository) -> None:
    function = "def f():\n    return 1\n\n\n"
    build.commit(
        {
            "versions/a.py": function + revision("a", None),
            "versions/b.py": revision("b", "a") + function + "down_revision = 'x'\n",
            "versions/c.py": "revision = 'c'\n@staticmethod\n" + function + "down_revision = 'b'\n",
            "versions/d.py": "TEXT = '''\ndef g(): ...\n'''\n" + revision("d", "c") + function,
        }
    )
    (fact,) = history(repository).facts
    assert {name: placed.parents for name, placed in fact.placed.items()} == {
        "a": (),
        "b": ("x",),
        "c": ("b",),
        "d": ("c",),
    }


def test_a_script_that_was_python_2_came_when_it_came(build: Builder, repository: Repository) -> None:
    first = build.commit({"versions/a.py": revision("a", None) + "def upgrade():\n    print 'up'\n"})
    build.commit({"versions/a.py": revision("a", None) + "def upgrade():\n    print('up')\n"})
    assert told(history(repository)) == [(first, ["a"], [])]


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
    assert told(history(repository))[1] == (second, ["s"], ["a", "b"])


def test_a_merge_is_where_a_revision_was_introduced(build: Builder, repository: Repository) -> None:
    build.commit({"models.py": "1", "versions/a.py": revision("a", None)})
    build.git("checkout", "--quiet", "-b", "side")
    build.commit({"models.py": "2", "versions/b.py": revision("b", "a")})
    build.git("checkout", "--quiet", "main")
    build.commit({"other": "x"})
    build.git("merge", "--quiet", "-m", "merge", "side")
    merge = build.head()
    assert ties(repository)["b"].introduced == merge
    assert ties(repository)["b"].candidates == (build.head_of("side"), merge)


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
    assert (found["c"].introduced, found["c"].candidates) == (merge, (build.head_of("side"), merge))
    models = [fact.models for fact in history(repository).facts if fact.commit == second]
    assert models == [content_digest(CommitTree(repository, second), MODELS)]


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
    assert found["c"].candidates == (third,)
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


def test_what_a_revision_follows_in_each_commit(build: Builder, repository: Repository) -> None:
    build.commit({"versions/a.py": revision("a", None), "versions/x.py": revision("x", "a")})
    build.commit({"versions/x.py": revision("x", None), "versions/b.py": revision("b", "a")})
    build.commit({"versions/b.py": revision("b", "a", "formatted")})
    assert [dict(fact.placed) for fact in history(repository).facts] == [
        {"a": Placed(()), "x": Placed(("a",))},
        {"x": Placed(()), "b": Placed(("a",))},
    ]


def test_models_that_became_a_package(build: Builder, repository: Repository) -> None:
    build.commit({"models.py": "1", "versions/a.py": revision("a", None)})
    build.commit({"models.py": None, "models/__init__.py": "2", "versions/b.py": revision("b", "a")})
    places = TrackedPlaces(versions=("versions",), models=with_other_forms(["models.py"]))
    facts = read_history(repository, build.head(), places).facts
    assert [fact.models for fact in facts] == [
        content_digest(CommitTree(repository, fact.commit), MODELS) for fact in facts
    ]
    assert None not in [fact.models for fact in facts]


def test_models_whose_folder_was_renamed_twice(build: Builder, repository: Repository) -> None:
    build.commit({"one/a.py": "a = 1\n" * 9, "one/deep/b.py": "b = 1\n" * 9})
    build.git("mv", "one", "two")
    build.commit()
    build.git("mv", "two", "three")
    build.commit()
    found = history(repository, models=("three",))
    assert found.models == ((("three",), ("two",), ("one",)),)
    assert [fact.models for fact in found.facts] == [
        content_digest(CommitTree(repository, build.head_of(f"HEAD~{back}")), ["one", "two", "three"])
        for back in (2, 1, 0)
    ]


def test_models_that_were_several_files(build: Builder, repository: Repository) -> None:
    build.commit({"user.py": "u = 1\n" * 9, "order.py": "o = 1\n" * 9, "other.py": "x = 1\n" * 9})
    build.commit(
        {
            "user.py": None,
            "order.py": None,
            "shop/user.py": "u = 1\n" * 9,
            "shop/order.py": "o = 1\n" * 9,
        }
    )
    found = history(repository, models=("shop",))
    assert found.models == ((("shop",), ("order.py", "user.py")),)
    first = CommitTree(repository, build.head_of("HEAD~1"))
    assert found.facts[0].models == content_digest(first, ["order.py", "user.py"])


def test_what_lies_at_a_former_place_later_is_no_models(build: Builder, repository: Repository) -> None:
    build.commit({"models.py": "a = 1\n" * 9})
    build.git("mv", "models.py", "shop.py")
    moved = build.commit()
    build.commit({"models.py": "something else"})
    found = history(repository, models=("shop.py",))
    assert [fact.commit for fact in found.facts] == [build.head_of("HEAD~2"), moved]


def test_revisions_that_others_replaced_are_known_by_their_records(
    build: Builder, repository: Repository
) -> None:
    record = f"s\n\nSchema: sqlite {'1' * 16} change {'2' * 16} sqlalchemy 2.1\n"
    build.commit({"versions/a.py": revision("a", None), "versions/b.py": revision("b", "a", record)})
    build.commit({"versions/a.py": None, "versions/b.py": None, "versions/s.py": revision("s", None, record)})
    build.commit({"versions/s.py": None, "versions/t.py": revision("t", None)})
    assert history(repository).replaced == {"s": {"a", "b"}}


def test_a_shallow_clone_is_cut_off(
    build: Builder, repository: Repository, opened: Open, tmp_path: Path
) -> None:
    build.commit({"versions/a.py": revision("a", None), "models.py": "1"})
    last = build.commit({"versions/b.py": revision("b", "a"), "models.py": "2"})
    assert not history(repository).cut_off
    build.git("clone", "--quiet", "--depth=1", f"file://{build.top}", str(tmp_path / "clone"))
    clone = opened(tmp_path / "clone")
    assert history(clone).cut_off == {0}
    assert told(history(clone)) == [(last, ["a", "b"], [])]


def test_identities_are_kept_for_the_next_time(build: Builder, repository: Repository) -> None:
    build.commit({"versions/a.py": revision("a", None), "versions/no.py": "x = 1"})
    known: Identities = {}
    history(repository, models=(), identities=known)
    assert known == {
        build.blob("HEAD:versions/a.py"): ("a", Placed(())),
        build.blob("HEAD:versions/no.py"): None,
    }

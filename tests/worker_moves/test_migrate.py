"""Moving: steps, notes, heads, roll back, failures."""

from __future__ import annotations

import pytest

from tests import database
from tests.worker_moves.child import Answer, Failed, Project


def test_up_and_down_in_one_run(both: Project) -> None:
    both.table("a1", "one")
    both.table("b2", "two")
    child = both.child()

    answer = both.migrate("+a1", "+b2", expect=["b2"], child=child)

    assert answer["heads"] == ["b2"]
    assert answer["committed"] is True
    assert [(note["action"], note["revision"], note["k"], note["of"]) for note in child.notes] == [
        ("upgrade", "a1", 1, 2),
        ("upgrade", "b2", 2, 2),
    ]
    assert child.asked[0]["heads"] == []
    assert child.asked[0]["transactional"] is True
    assert child.asked[0]["per_migration"] is False
    assert both.tables() == ("one", "two")
    assert both.heads() == ("b2",)

    answer = both.migrate("-b2", "-a1", expect=[], child=child)
    assert answer["heads"] == []
    assert both.tables() == ()


def test_not_confirmed_is_rolled_back(both: Project) -> None:
    both.table("a1", "one")
    answer = both.migrate("+a1", expect=["a1"], commit=False)
    assert answer["committed"] is False
    assert answer["heads"] == []
    assert both.tables() == ()
    assert both.heads() == ()


def test_failing_script_rolls_everything_back(both: Project) -> None:
    both.table("a1", "one")
    both.script("b2", "op.create_table('two', sa.Column('id', sa.Integer()))\nop.execute('SELECT nonsense')")
    with pytest.raises(Failed) as failed:
        both.migrate("+a1", "+b2", expect=["b2"])
    error = failed.value.error
    assert error["kind"] == "migration"
    assert "nonsense" in error["message"]
    assert "\n" not in error["message"]
    assert (error["revision"], error["action"], error["committed"], error["partial"]) == (
        "b2",
        "upgrade",
        0,
        None,
    )
    assert error["statement"] == "SELECT nonsense"
    assert 'File "alembic/versions/b2.py", line 11, in upgrade' in error["detail"]
    assert both.tables() == ()
    assert both.heads() == ()


def test_script_that_does_not_import_is_found_before_the_first_step(both: Project) -> None:
    both.table("a1", "one")
    known = both.script("b2")
    with open(known["path"], "a") as file:
        file.write("\nimport not_there\n")
    child = both.child()
    with pytest.raises(Failed) as failed:
        both.migrate("+a1", "+b2", expect=["b2"], child=child)
    assert failed.value.kind == "migration"
    assert failed.value.message == "ModuleNotFoundError: No module named 'not_there'"
    assert failed.value.error["revision"] == "b2"
    assert child.notes == []
    assert both.tables() == ()


def test_heads_other_than_planned_are_rolled_back(both: Project) -> None:
    both.table("a1", "one")
    with pytest.raises(Failed) as failed:
        both.migrate("+a1", expect=["b2"])
    assert failed.value.message == "the version table holds a1 where b2 was planned"
    assert both.tables() == ()


def test_release_changes_nothing(both: Project) -> None:
    child = both.child()
    answer = child.request("migrate", {"plan": lambda ask: {"release": True}}, wait=1)
    assert answer["committed"] is False
    assert answer["heads"] == []
    assert "alembic_version" not in database.tables(both.url)


def test_no_steps_is_done_at_once(both: Project) -> None:
    both.table("a1", "one")
    both.migrate("+a1", expect=["a1"])
    child = both.child()
    answer = both.migrate(expect=["a1"], child=child)
    assert answer["heads"] == ["a1"]
    assert [ask["ask"] for ask in child.asked] == ["plan"]


@pytest.mark.parametrize("ask", ["plan", "commit"])
def test_parent_gone_rolls_back(both: Project, ask: str) -> None:
    both.table("a1", "one")
    child = both.child()
    child.send({"do": "migrate", "wait": 1})
    while True:
        message = child.receive()
        if message.get("ask") == ask:
            break
        if message.get("ask") == "plan":
            child.send(both.plan("+a1", expect=["a1"]))
    assert child.close() == 1
    assert both.tables() == ()


def test_steps_of_two_graphs(both: Project) -> None:
    both.table("a1", "one")
    both.table("b2", "two")
    both.migrate("+a1", "+b2", expect=["b2"])
    old = list(both.scripts)
    both.scripts.pop()
    both.script("c3", "op.create_table('three', sa.Column('id', sa.Integer()))", "op.drop_table('three')")
    answers: dict[str, Answer] = {
        "plan": lambda ask: {
            "graphs": [old, both.scripts],
            "steps": [
                {"action": "downgrade", "revision": "b2", "graph": 0},
                {"action": "upgrade", "revision": "c3", "graph": 1},
            ],
            "expect": ["c3"],
        },
        "commit": lambda ask: {"commit": True},
    }
    assert both.child().request("migrate", answers, wait=1)["heads"] == ["c3"]
    assert both.tables() == ("one", "three")


def test_branches_and_dependencies(both: Project) -> None:
    both.table("a1", "one")
    both.script("b2", down=["a1"])
    both.script("c3", down=["a1"])
    both.script("d4", down=["b2", "c3"])
    answer = both.migrate("+a1", "+b2", "+c3", expect=["b2", "c3"])
    assert answer["heads"] == ["b2", "c3"]
    assert both.migrate("+d4", expect=["d4"])["heads"] == ["d4"]
    assert both.migrate("-d4", "-c3", expect=["b2"])["heads"] == ["b2"]


def test_many_revisions_are_fast_because_modules_are_lazy(project: Project) -> None:
    for number in range(1, 2001):
        known = project.script(f"r{number:04}")
        if number > 1:
            with open(known["path"], "a") as file:
                file.write("\nraise RuntimeError('loaded')\n")
    assert project.migrate("+r0001", expect=["r0001"])["committed"] is True

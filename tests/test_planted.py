"""Faults that are found by what was there before ``verify`` and ``drift``; the others are in their tests."""

from __future__ import annotations

from pathlib import Path

from tests.articles import article


def test_models_edited_after_the_revision(tmp_path: Path) -> None:
    project = article(tmp_path).project
    models = project.read("app/models.py")
    project.write("app/models.py", models.replace("(String, index", "(String(40), index"))
    project.commit("Edited later")
    (finding,) = project.gitmig("check", "HEAD", "--json", check=1).json["findings"]
    assert (finding["code"], finding["details"]) == ("GM001", ["~ user.username VARCHAR -> VARCHAR(40)"])
    assert (finding["path"], finding["line"]) == ("app/models.py", 15)
    # The revision itself leads to the models that it was made for.
    assert project.gitmig("verify", check=0).stderr == "2 verified on sqlite\n"


def test_a_revision_edited_after_it_was_applied(tmp_path: Path) -> None:
    told = article(tmp_path)
    project = told.project
    path = f"alembic/versions/{told.second}_add_username_for_user.py"
    project.write(path, project.read(path).replace("sa.String()", "sa.String(length=9)"))
    findings = project.gitmig("status", "--json").json["findings"]
    assert ("GM019", path) in [(finding["code"], finding["path"]) for finding in findings]
    (found,) = project.gitmig("verify", "--json", check=1).json["findings"]
    assert (found["code"], found["path"], found["details"]) == (
        "GM023",
        path,
        ["~ user.username VARCHAR(9) -> VARCHAR"],
    )

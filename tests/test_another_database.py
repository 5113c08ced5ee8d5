"""A project that moves from SQLite to PostgreSQL: the models stay, what names the database changes."""

from __future__ import annotations

from pathlib import Path

from tests.articles import findings
from tests.story import USERNAME, Project


def test_no_model_changes_with_the_database(tmp_path: Path, postgres_url: str) -> None:
    project = Project.create(tmp_path)
    project.gitmig("revise", "-m", "First", check=0)
    project.hook()
    text = project.read("app/database.py")
    project.write("app/database.py", text.replace("sqlite:///app.db", postgres_url))
    assert project.read("app/database.py") != text
    assert findings(project.gitmig("check", "--json", check=0).json) == []
    project.commit("To PostgreSQL")
    assert findings(project.gitmig("check", "--json", check=0).json) == []
    project.gitmig("upgrade", check=0)
    project.gitmig("status", check=0)
    project.append("app/models.py", USERNAME)
    said = project.gitmig("check", "--json", check=1).json["findings"]
    lines = [line for finding in said for line in finding["details"]]
    assert [line for line in lines if "username" not in line] == []
    project.gitmig("revise", "-m", "Username", check=0)
    project.gitmig("status", check=0)

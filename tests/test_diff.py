"""``gitmig diff``: what two points of the schema differ in."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from tests import database
from tests.articles import Article, article, article_on, by_alembic, third
from tests.story import MODELS, Project


@pytest.fixture
def told(tmp_path: Path) -> Article:
    return article(tmp_path)


CHANGED = '''\
"""The models."""

import enum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Colour(enum.Enum):
    RED = 1
    BLUE = 2
    {label}


class Group(Base):
    __tablename__ = "group"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent: Mapped[int | None] = mapped_column(ForeignKey("user.id", name="fk_parent"{action}))


class User(Base):
    __tablename__ = "user"
    __table_args__ = (
        CheckConstraint("{check}", name="ck_user_size"),
        UniqueConstraint("name", name="uq_user_name"),
        Index("ix_user_{index}", "{index}"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str{optional}] = mapped_column(String({length}){default})
    size: Mapped[int] = mapped_column({type}server_default="1")
    colour: Mapped[Colour]
    {more}
'''

OLD = {
    "label": "", "action": "", "check": "size > 0", "index": "size", "optional": "", "length": "20",
    "default": "", "type": "", "more": "gone: Mapped[int | None]",
}  # fmt: skip
NEW = {
    "label": "GREEN = 3", "action": ', ondelete="CASCADE"', "check": "size > 1", "index": "name",
    "optional": " | None", "length": "30", "default": ", server_default='x'",
    "type": "BigInteger, ", "more": "come: Mapped[int | None]",
}  # fmt: skip


def test_two_commits_table_by_table(told: Article) -> None:
    project = told.project
    before = project.snapshot()
    shown = project.gitmig("diff", "HEAD~1", "HEAD", check=1)
    assert (shown.stdout, shown.stderr) == (
        "user\n  + username VARCHAR\n  + index ix_user_username (username)\n",
        "",
    )
    # In the other direction, and from nothing.
    assert project.gitmig("diff", told.second, told.first, check=1).stdout == (
        "user\n  - username VARCHAR\n  - index ix_user_username (username)\n"
    )
    assert project.gitmig("diff", "base", told.first, check=1).stdout == (
        "+ user\n  + id INTEGER NOT NULL\n  + primary key (id)\n"
    )
    same = project.gitmig("diff", "HEAD", check=0)
    commit = told.second_commit[:8]
    assert (same.stdout, same.stderr) == ("", f"HEAD ({commit}) and the work tree have the same schema\n")
    assert project.snapshot() == before


def test_the_index_is_not_the_work_tree(told: Article) -> None:
    project = told.project
    project.append("app/models.py", "    email: Mapped[str | None]\n")
    project.git("add", "app/models.py")
    project.append("app/models.py", "    phone: Mapped[str | None]\n")
    assert project.gitmig("diff", "HEAD", ":", check=1).stdout == "user\n  + email VARCHAR\n"
    assert project.gitmig("diff", ":", ".", check=1).stdout == "user\n  + phone VARCHAR\n"


def test_json(told: Article) -> None:
    answer = told.project.gitmig("diff", told.first, "HEAD", "--json", "--sql", check=1).json
    assert answer == {
        "version": 1,
        "a": {"name": told.first, "commit": told.first_commit, "revision": told.first},
        "b": {"name": "HEAD", "commit": told.second_commit, "revision": None},
        "equal": False,
        "dialect": "sqlite",
        "changes": [
            {
                "sign": "+",
                "kind": "column",
                "table": "user",
                "name": "username",
                "before": None,
                "after": "VARCHAR",
            },
            {
                "sign": "+",
                "kind": "index",
                "table": "user",
                "name": "ix_user_username",
                "before": None,
                "after": "CREATE INDEX ix_user_username ON user (username)",
            },
        ],
        "renames": [],
        "warnings": [],
        "sql": [
            'ALTER TABLE "user" ADD COLUMN "username" VARCHAR',
            "CREATE INDEX ix_user_username ON user (username)",
        ],
    }
    same = told.project.gitmig("diff", "HEAD", ".", "--json", check=0).json
    assert (same["equal"], same["changes"], "sql" in same) == (True, [], False)


def test_markdown_fits_a_comment(told: Article) -> None:
    commits = (told.first_commit[:8], told.second_commit[:8])
    shown = told.project.gitmig("diff", "HEAD~1", "HEAD", "--format", "markdown", check=1).stdout
    assert (
        shown
        == f"""\
#### Schema: HEAD~1 ({commits[0]}) → HEAD ({commits[1]})

```diff
~ user
+   username VARCHAR
+   index ix_user_username (username)
```

<details><summary>SQL</summary>

```sql
ALTER TABLE "user" ADD COLUMN "username" VARCHAR;
CREATE INDEX ix_user_username ON user (username);
```

</details>
"""
    )
    wide = "".join(f"    c{number:04}: Mapped[int | None]\n" for number in range(1500))
    told.project.append("app/models.py", wide)
    shown = told.project.gitmig("diff", "HEAD", ".", "--format", "markdown", check=1).stdout
    assert shown == (
        f"#### Schema: HEAD ({commits[1]}) → the work tree\n\n1500 changes:\n\n- `~` user: 1500\n"
    )


def test_a_rename_is_suggested(told: Article) -> None:
    project = told.project
    models = project.read("app/models.py")
    project.write("app/models.py", models.replace("username:", "login:").replace(", index=True", ""))
    assert project.gitmig("diff", "HEAD", ".", check=1).stdout == (
        "user\n  + login VARCHAR\n  - username VARCHAR\n  - index ix_user_username (username)\n"
        "\nrenamed?  user.username → user.login\n"
    )
    project.write("app/models.py", models.replace('"user"', '"person"').replace(", index=True", ""))
    project.git("add", "--all")
    answer = project.gitmig("diff", "HEAD", ":", "--json", check=1).json
    assert answer["renames"] == [{"table": None, "old": "user", "new": "person"}]


def test_the_live_database(told: Article) -> None:
    project = told.project
    before = project.snapshot()
    assert project.gitmig("diff", "db", "HEAD", check=0).stderr == (
        f"the database and HEAD ({told.second_commit[:8]}) have the same schema\n"
    )
    assert project.gitmig("diff", "HEAD~1", "db", check=1).stdout == (
        "user\n  + username VARCHAR\n  + index ix_user_username (username)\n"
    )
    assert project.gitmig("diff", "db", "db", check=0).stdout == ""
    assert project.gitmig("diff", "db", "base", check=1).stdout.startswith("- user\n")
    assert project.snapshot() == before


def test_no_database_is_needed_unless_it_is_named(told: Article) -> None:
    project = Project(told.project.top, "postgresql+psycopg2://nobody@127.0.0.1:1/none", told.project._clock)
    assert project.gitmig("diff", "HEAD~1", "HEAD", check=1).stdout.startswith("user\n")
    refused = project.gitmig("diff", "HEAD", "db", check=2)
    assert refused.stderr.startswith("Error: ")
    assert "Hint: start the database, or correct its URL" in refused.stderr


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("nothing", "HEAD"), "neither a commit nor a revision: 'nothing'", "gitmig log; git branch --all"),
        (("HEAD", ""), "neither a commit nor a revision: ''", "gitmig log; git branch --all"),
        (("HEAD", "--upload-pack=x"), "no such option: --upload-pack", "gitmig diff --help"),
        (("HEAD", ".", "--format", "svg"), "no such format: 'svg'", "one of text, json, github, markdown"),
        ((), "Missing argument 'A'", "gitmig diff --help"),
    ],
)
def test_bad_input(told: Article, words: tuple[str, ...], message: str, hint: str) -> None:
    refused = told.project.gitmig("diff", *words, check=2)
    assert (refused.stdout, refused.stderr) == ("", f"Error: {message}\nHint: {hint}\n")
    if "--format" not in words:
        answer = told.project.gitmig("diff", *words, "--json", check=2).json
        assert (answer["error"]["message"], answer["error"]["hint"]) == (message, hint)


def test_a_mistyped_revision_and_a_branch_called_db(told: Article) -> None:
    project = told.project
    typo = told.first[:-1] + ("0" if told.first[-1] != "0" else "1")
    assert project.gitmig("diff", typo, ".", check=2).stderr == (
        f"Error: neither a commit nor a revision: {typo!r}\nHint: did you mean {told.first}?\n"
    )
    project.git("branch", "db", "HEAD~1")
    assert project.gitmig("diff", "refs/heads/db", "HEAD", check=1).stdout.startswith("user\n")
    assert project.gitmig("diff", "db", "HEAD", check=0).stdout == ""


def test_models_that_do_not_import_and_conflicts(told: Article) -> None:
    project = told.project
    project.append("app/models.py", "import nothing_there\n")
    broken = project.gitmig("diff", "HEAD", ".", check=2)
    assert "Error: ModuleNotFoundError: No module named 'nothing_there'\n" in broken.stderr
    assert project.gitmig("diff", "HEAD~1", "HEAD", check=1).stdout.startswith("user\n")
    project.git("checkout", "--quiet", "--force", "-b", "other", "HEAD~1")
    project.append("app/models.py", "    other: Mapped[int | None]\n")
    project.commit("Other", "app/models.py")
    assert project.try_git("merge", "main").exit_code == 1
    assert project.gitmig("diff", ":", "HEAD", check=1).stderr == (
        "Error: app/models.py is in conflict: the index holds no version of it\nHint: git mergetool\n"
    )


def test_a_guess_is_called_one(tmp_path: Path) -> None:
    told = by_alembic(tmp_path)
    shown = told.project.gitmig("diff", "a1a1", "b2b2", check=1)
    assert shown.stdout == "user\n  + username VARCHAR\n"
    assert shown.stderr == (
        f"Warning: not sure which commit has the models of a1a1; best guess: {told.first_commit[:8]}\n"
        f"Warning: not sure which commit has the models of b2b2; best guess: {told.second_commit[:8]}\n"
    )


def test_an_uncommitted_revision(told: Article) -> None:
    project = told.project
    project.append("app/models.py", "    email: Mapped[str | None]\n")
    revised = project.gitmig("revise", "-m", "E-mail", "--no-commit", "--json", check=0).json
    assert project.gitmig("diff", told.second, revised["revision"], check=1).stdout == (
        "user\n  + email VARCHAR\n"
    )


@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
def test_the_statements_lead_there(
    tmp_path: Path, server: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = request.getfixturevalue("postgres_url") if server == "postgresql" else None
    if url is not None:
        monkeypatch.setenv("GITMIG_SCRATCH_URL", request.getfixturevalue("postgres_server"))
    project = Project.create(tmp_path, url)
    project.write("app/models.py", CHANGED.format(**OLD))
    project.commit("Old")
    project.write("app/models.py", CHANGED.format(**NEW).replace("String, U", "BigInteger, String, U"))
    project.write(
        "app/models.py", project.read("app/models.py").replace("Index, String", "BigInteger, Index, String")
    )
    project.commit("New")
    empty = project.gitmig("diff", "base", "HEAD~1", "--sql", check=1).stdout
    _run(project, empty)
    assert project.gitmig("diff", "db", "HEAD~1", check=0).stdout == ""
    changed = project.gitmig("diff", "HEAD~1", "HEAD", "--sql", check=1).stdout
    _run(project, changed)
    assert project.gitmig("diff", "db", "HEAD", check=0).stdout == ""
    _run(project, project.gitmig("diff", "HEAD", "base", "--sql", check=1).stdout)
    assert database.tables(project.url) == ()


def _run(project: Project, statements: str) -> None:
    engine = create_engine(project.url)
    with closing(engine.raw_connection()) as raw:
        for statement in statements.split(";\n"):
            if statement.strip():
                cursor = raw.cursor()
                cursor.execute(statement)
        raw.commit()
    engine.dispose()


def test_article_on_postgresql(
    tmp_path: Path, postgres_url: str, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITMIG_SCRATCH_URL", postgres_server)
    told = article_on(tmp_path, postgres_url)
    project = told.project
    assert project.gitmig("diff", "db", "HEAD", check=0).stdout == ""
    added = third(told)
    assert project.gitmig("diff", "db", told.second, check=1).stdout == "user\n  - email CHARACTER VARYING\n"
    assert project.gitmig("diff", "db", added, check=0).stdout == ""


def test_it_is_there_without_models_in_the_settings(tmp_path: Path) -> None:
    project = Project.create(tmp_path, settings=None)
    project.write("app/models.py", MODELS + "    name: Mapped[str | None]\n")
    assert project.gitmig("diff", "HEAD", check=1).stdout == "user\n  + name VARCHAR\n"

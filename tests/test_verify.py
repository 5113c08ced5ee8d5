"""``gitmig verify``: revisions replayed on scratch databases; faults that are planted are found."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests import database
from tests.articles import NAMED, USER, Article, article, by_alembic, plain
from tests.story import MODELS, Project

BASE = "    username: Mapped[str | None] = mapped_column(String)\n"
EMAIL = "    email: Mapped[str | None] = mapped_column(String(20))\n"
ADD = "op.add_column('user', sa.Column('email', sa.String(20)))"
DROP = "op.drop_column('user', 'email')"
PATH = "alembic/versions/c3c3_plain.py"


@pytest.fixture
def told(tmp_path: Path) -> Article:
    return by_alembic(tmp_path)


def third(project: Project, models: str, up: str, down: str, *, imports: str = "") -> Project:
    """A third revision by hand, c3c3, committed with its models."""
    text = project.read("app/models.py") + models
    project.write("app/models.py", text.replace("import String\n", f"import String{imports}\n"))
    plain(project, "c3c3", "b2b2", up="\n    ".join(up.splitlines()), down="\n    ".join(down.splitlines()),
          message="Third")  # fmt: skip
    project.commit("Third")
    return project


def verify(project: Project, *args: str, code: int = 0) -> list[dict[str, object]]:
    """The findings, without hints and places."""
    findings = project.gitmig("verify", "--json", *args, check=code).json["findings"]
    return [{key: f.get(key) for key in ("code", "message", "details")} for f in findings]


def found(project: Project, *args: str) -> tuple[str, str, list[str]]:
    """The one finding: code, message and details."""
    answer = project.gitmig("verify", "--last", "1", "--json", *args).json
    (finding,) = answer["findings"]
    assert finding["path"] == PATH
    assert finding["line"] == 9
    return finding["code"], finding["message"], finding.get("details", [])


def test_what_is_right_passes(told: Article) -> None:
    project = third(told.project, EMAIL, ADD, DROP)
    before = project.snapshot()
    said = project.gitmig("verify", check=0)
    commits = project.git("log", "--reverse", "--format=%h", "--abbrev=8").split()[1:]
    assert said.stdout == (
        f"✓ a1a1  First revision  (models of {commits[0]})\n"
        f"✓ b2b2  Add username for user  (models of {commits[1]})\n"
        f"✓ c3c3  Third  (models of {commits[2]})\n"
    )
    assert said.stderr == "3 verified on sqlite\n"
    assert project.snapshot() == before


# Each: models, upgrade, downgrade, code, message, details.
FAULTS: dict[str, tuple[str, str, str, str, str, list[str]]] = {
    "a column missing from a revision": (
        EMAIL, "pass", "pass", "GM023", "c3c3 does not lead to its models",
        ["+ user.email VARCHAR(20)"],
    ),
    "a wrong length": (
        EMAIL, ADD.replace("20", "30"), DROP, "GM023", "c3c3 does not lead to its models",
        ["~ user.email VARCHAR(30) -> VARCHAR(20)"],
    ),
    "a wrong type": (
        EMAIL, ADD.replace("sa.String(20)", "sa.Integer"), DROP, "GM023", "c3c3 does not lead to its models",
        ["~ user.email INTEGER -> VARCHAR(20)"],
    ),
    "a wrong nullability": (
        EMAIL.replace(" | None", "").replace("(20)", "(20), server_default='x'"),
        ADD.replace("(20)", "(20), server_default='x'"), DROP,
        "GM023", "c3c3 does not lead to its models",
        ["~ user.email VARCHAR(20) DEFAULT 'x' -> VARCHAR(20) DEFAULT 'x' NOT NULL"],
    ),
    "a wrong default": (
        EMAIL.replace("(20)", "(20), server_default='x'"), ADD.replace("(20)", "(20), server_default='y'"),
        DROP, "GM023", "c3c3 does not lead to its models",
        ["~ user.email VARCHAR(20) DEFAULT 'y' -> VARCHAR(20) DEFAULT 'x'"],
    ),
    "an index missing": (
        EMAIL.replace("(20)", "(20), index=True"), ADD, DROP, "GM023", "c3c3 does not lead to its models",
        ["+ index ix_user_email"],
    ),
    "an index of another kind": (
        EMAIL.replace("(20)", "(20), index=True"),
        f"{ADD}\nop.create_index('ix_user_email', 'user', ['email'], unique=True)",
        f"op.drop_index('ix_user_email')\n{DROP}", "GM023", "c3c3 does not lead to its models",
        ["~ index ix_user_email UNIQUE (email) -> (email)"],
    ),
    "a column forgotten on the way down": (
        EMAIL + "    phone: Mapped[str | None]\n",
        f"{ADD}\nop.add_column('user', sa.Column('phone', sa.String))",
        DROP, "GM022", "the downgrade of c3c3 leaves something behind", ["+ user.phone VARCHAR"],
    ),
    "a downgrade that drops what it did not make": (
        EMAIL, ADD, f"{DROP}\nop.drop_column('user', 'username')",
        "GM022", "the downgrade of c3c3 takes what the upgrade did not make", ["- user.username VARCHAR"],
    ),
    "a downgrade that fails": (
        EMAIL, ADD, "raise NotImplementedError('no way back')",
        "GM022", "the downgrade of c3c3: it fails: NotImplementedError: no way back", [],
    ),
    "a downgrade that fails on rows": (
        EMAIL, ADD, "op.execute('CREATE UNIQUE INDEX one ON user (username)')\nop.drop_index('one')\n" + DROP,
        "GM022", "the downgrade of c3c3 fails on rows: UNIQUE constraint failed: user.username", [],
    ),
    "an index left behind": (
        EMAIL.replace("(20)", "(20), index=True"),
        f"{ADD}\nop.create_index('ix_user_email', 'user', ['email'])",
        f"op.drop_index('ix_user_email')\n{DROP}\nop.create_index('ix_user_email', 'user', ['id'])",
        "GM022", "the downgrade of c3c3 leaves something behind", ["+ index ix_user_email"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(told: Article, fault: str) -> None:
    models, up, down, code, message, details = FAULTS[fault]
    project = third(told.project, models, up, down)
    whose = f" (those of {project.git('rev-parse', '--short=8', 'HEAD')})" if code == "GM023" else ""
    assert found(project) == (code, message + whose, details)
    # It is an error, or a warning, and the other revisions are right.
    project.gitmig("verify", check=0 if code == "GM022" else 1)
    assert project.gitmig("verify", "--json").json["counts"] == {
        "verified": 2,
        "warned": 1 if code == "GM022" else 0,
        "failed": 0 if code == "GM022" else 1,
        "unproven": 0,
        "accepted": 0,
    }


TABLED = """

class Part(Base):
    __tablename__ = "part"
    __table_args__ = (
        CheckConstraint("size > 0", name="ck_part_size"),
        UniqueConstraint("size", name="uq_part_size"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]
    owner: Mapped[int] = mapped_column(ForeignKey("user.id", name="fk_owner", ondelete="CASCADE"))
"""
TABLE = (
    "op.create_table('part', sa.Column('id', sa.Integer, primary_key=True), "
    "sa.Column('size', sa.Integer, nullable=False), sa.Column('owner', sa.Integer, nullable=False), "
    "sa.CheckConstraint('size > 0', name='ck_part_size'), sa.UniqueConstraint('size', name='uq_part_size'), "
    "sa.ForeignKeyConstraint(['owner'], ['user.id'], name='fk_owner', ondelete='CASCADE'))"
)


@pytest.mark.parametrize(
    ("right", "wrong", "details"),
    [
        ("'size > 0'", "'size > 1'",
         ["~ check ck_part_size of part (size>1) -> (size>0)"]),
        ("ondelete='CASCADE'", "ondelete='SET NULL'",
         ["~ foreign key fk_owner of part (owner) REFERENCES user (id) ondelete=SET NULL -> "
          "(owner) REFERENCES user (id) ondelete=CASCADE"]),
        ("name='uq_part_size'", "name='uq_size'",
         ["- unique of part (size)", "+ unique uq_part_size of part (size)"]),
        ("name='fk_owner', ", "",
         ["- foreign key of part (owner) REFERENCES user (id) ondelete=CASCADE",
          "+ foreign key fk_owner of part (owner) REFERENCES user (id) ondelete=CASCADE"]),
    ],
)  # fmt: skip
def test_constraints(told: Article, right: str, wrong: str, details: list[str]) -> None:
    imports = ", CheckConstraint, ForeignKey, UniqueConstraint"
    project = third(
        told.project, TABLED, TABLE.replace(right, wrong), "op.drop_table('part')", imports=imports
    )
    code, _, shown = found(project)
    assert (code, sorted(shown)) == ("GM023", sorted(details))


def test_not_null_without_a_default_on_rows(told: Article) -> None:
    up = (
        "with op.batch_alter_table('user') as batch:\n"
        "    batch.add_column(sa.Column('email', sa.String(20), nullable=False))"
    )
    project = third(told.project, EMAIL.replace(" | None", ""), up, DROP)
    code, message, _ = found(project)
    assert code == "GM024"
    assert message == "c3c3 fails on rows: Cannot add a NOT NULL column with default value NULL"
    assert project.gitmig("verify", "--last", "1", check=1).stderr.endswith(
        f"\n  Hint: have upgrade() in {PATH} deal with the rows first\n1 failed on sqlite\n"
    )


def test_a_unique_index_over_duplicates(told: Article) -> None:
    models = told.project.read("app/models.py")
    told.project.write("app/models.py", models.replace("(String)", "(String, unique=True, index=True)"))
    index = "op.create_index('ix_user_username', 'user', ['username'], unique=True)"
    project = third(told.project, "", index, "op.drop_index('ix_user_username')")
    assert found(project) == (
        "GM024", "c3c3 fails on rows: UNIQUE constraint failed: user.username", [],
    )  # fmt: skip
    # A revision that deals with them first is right.
    plain(project, "c3c3", "b2b2", up=f"op.execute('update user set username = id')\n    {index}",
          down="op.drop_index('ix_user_username')", message="Third")  # fmt: skip
    project.commit("Deal with the rows")
    assert verify(project, "--last", "1") == []


def test_rows_of_ones_own(told: Article, tmp_path: Path) -> None:
    project = third(
        told.project, EMAIL, f"{ADD}\nassert not op.get_bind().exec_driver_sql("
        "\"select 1 from user where username = 'broken'\").all()", DROP,
    )  # fmt: skip
    assert verify(project) == []
    project.write(
        "rows.sql", "insert into user (username) values ('broken');\ninsert into none values (1);\n"
    )
    (finding,) = verify(project, "--seed", "rows.sql", code=1)
    assert (finding["code"], finding["message"]) == ("GM024", "c3c3 fails on rows: AssertionError")
    assert project.gitmig("verify", "--seed", "none.sql", check=2).stderr == (
        "Error: none.sql cannot be read: [Errno 2] No such file or directory: 'none.sql'\n"
        "Hint: name a file of SQL with --seed\n"
    )


def test_an_upgrade_that_fails_and_what_comes_after_it(told: Article) -> None:
    project = third(told.project, EMAIL, "raise ValueError('not today')", DROP)
    project.append("app/models.py", "    phone: Mapped[str | None]\n")
    plain(project, "d4d4", "c3c3", up="op.add_column('user', sa.Column('phone', sa.String))",
          down="op.drop_column('user', 'phone')", message="Phone")  # fmt: skip
    project.commit("Phone")
    said = project.gitmig("verify", check=1)
    assert [line[:6] for line in said.stdout.splitlines()] == ["✓ a1a1", "✓ b2b2", "✗ c3c3", "✓ d4d4"]
    assert said.stderr == (
        "GM023 the upgrade of c3c3 fails: ValueError: not today\n"
        f"  Hint: correct {PATH}\n3 verified, 1 failed on sqlite\n"
    )


def test_models_that_do_not_import_are_named_and_counted(told: Article) -> None:
    project = third(told.project, EMAIL, ADD, DROP)
    project.write("app/models.py", "import not_there_any_more\n" + project.read("app/models.py"))
    project.git("commit", "--quiet", "-a", "--amend", "-m", "Third")
    broken = project.git("rev-parse", "--short=8", "HEAD")
    text = project.read("app/models.py").replace("import not_there_any_more\n", "")
    project.write("app/models.py", text + "    phone: Mapped[str | None]\n")
    plain(project, "d4d4", "c3c3", up="op.add_column('user', sa.Column('phone', sa.String))",
          down="op.drop_column('user', 'phone')", message="Phone")  # fmt: skip
    project.commit("Phone")
    said = project.gitmig("verify", check=0)
    assert [line[:6] for line in said.stdout.splitlines()] == ["✓ a1a1", "✓ b2b2", "? c3c3", "✓ d4d4"]
    assert said.stderr == (
        f"GM007 warning: not all of c3c3 could be verified: the models of {broken}: "
        "ModuleNotFoundError: No module named 'not_there_any_more'\n3 verified, 1 unproven on sqlite\n"
    )


def test_two_revisions_in_one_commit(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    plain(project, "a1a1", None, up=USER[0], down=USER[1], message="First")
    plain(project, "b2b2", "a1a1", up=NAMED[0], down=NAMED[1], message="Second")
    project.append("app/models.py", BASE)
    project.commit("Both")
    said = project.gitmig("verify", check=0)
    assert said.stderr == (
        "GM007 warning: not all of a1a1 could be verified: its models are in no commit\n"
        "1 verified, 1 unproven on sqlite\n"
    )


def test_branches_are_replayed_each_on_its_own(told: Article) -> None:
    project = told.project
    project.git("checkout", "--quiet", "-b", "side")
    project.append("app/models.py", EMAIL)
    plain(project, "c3c3", "b2b2", up=ADD, down=DROP, message="E-mail")
    project.commit("E-mail")
    project.git("checkout", "--quiet", "main")
    project.append("app/models.py", "    phone: Mapped[str | None]\n")
    plain(project, "d4d4", "b2b2", up="op.add_column('user', sa.Column('phone', sa.String))",
          down="op.drop_column('user', 'phone')", message="Phone")  # fmt: skip
    project.commit("Phone")
    project.try_git("merge", "side")
    project.write("app/models.py", MODELS + BASE + "    phone: Mapped[str | None]\n" + EMAIL)
    plain(project, "e5e5", "b2b2", up="pass", down="pass", message="Merge")
    path = "alembic/versions/e5e5_plain.py"
    project.write(path, project.read(path).replace("'b2b2'", "('c3c3', 'd4d4')"))
    project.commit("Merge")
    said = project.gitmig("verify", check=0)
    assert sorted(line[:6] for line in said.stdout.splitlines()) == [
        "✓ a1a1", "✓ b2b2", "✓ c3c3", "✓ d4d4", "✓ e5e5",
    ]  # fmt: skip


def test_since_last_and_bad_input(told: Article) -> None:
    project = third(told.project, EMAIL, ADD, DROP)

    def names(*args: str) -> list[str]:
        answer = project.gitmig("verify", "--json", *args, check=0).json
        return [revision["revision"] for revision in answer["revisions"]]

    assert names("--since", "HEAD~2") == ["b2b2", "c3c3"]
    assert names("--last", "2") == ["b2b2", "c3c3"]
    assert names("--since", "HEAD~2", "--last", "1") == ["c3c3"]
    assert names("--since", "HEAD") == []
    assert project.gitmig("verify", "--since", "HEAD").stderr == "there are no revisions to verify\n"
    assert project.gitmig("verify", "--since", "none", check=2).stderr == (
        "Error: there is no commit 'none'\nHint: git branch --all; git log --oneline\n"
    )
    assert project.gitmig("verify", "--last", "0", check=2).stderr == (
        "Error: --last takes a number of revisions, not 0\nHint: gitmig verify --last 1\n"
    )
    project.write(".gitmig-baseline.json", "[]")
    assert project.gitmig("verify", check=2).stderr == (
        "Error: .gitmig-baseline.json is not a baseline of gitmig's\nHint: gitmig verify --write-baseline\n"
    )


def test_a_baseline_accepts_what_is_old(told: Article) -> None:
    project = third(told.project, EMAIL + "    phone: Mapped[str | None]\n", "pass", "pass")
    said = project.gitmig("verify", "--write-baseline", check=0)
    assert said.stderr.endswith("2 verified, 1 failed on sqlite\nwritten: .gitmig-baseline.json\n")
    assert json.loads(project.read(".gitmig-baseline.json")) == {
        "version": 1,
        "accepted": [
            {"code": "GM023", "revision": "c3c3", "facet": "column user.email"},
            {"code": "GM023", "revision": "c3c3", "facet": "column user.phone"},
        ],
    }
    assert project.gitmig("verify", check=0).stderr == "3 verified, 2 accepted by the baseline on sqlite\n"
    # What is new is found all the same.
    project.append("app/models.py", "    size: Mapped[int | None]\n")
    project.git("commit", "--quiet", "-a", "--amend", "-m", "Third")
    assert found(project)[2] == ["+ user.size INTEGER"]


def test_github_and_junit(told: Article) -> None:
    project = third(told.project, EMAIL, ADD.replace("20", "30"), "pass")
    said = project.gitmig(
        "verify", "--format", "github", "--junit", "report.xml", check=1
    ).stdout.splitlines()
    assert said[0].startswith(f"::error file={PATH},line=9::GM023 c3c3 does not lead to its models")
    assert said[1].startswith(f"::warning file={PATH},line=9::GM022 the downgrade of c3c3 leaves something")
    root = ElementTree.fromstring(project.read("report.xml"))
    (suite,) = root
    assert root.attrib == {"tests": "3", "failures": "1", "skipped": "0"}
    cases = [case.attrib["name"] for case in suite]
    assert cases == ["a1a1 First revision", "b2b2 Add username for user", "c3c3 Third"]
    (failure,) = suite[2].findall("failure")
    assert failure.attrib["type"] == "GM023"
    assert failure.text == "~ user.email VARCHAR(30) -> VARCHAR(20)"
    assert (suite[2].findtext("system-out") or "").startswith("GM022 the downgrade of c3c3")


def test_the_live_database_is_not_touched_and_not_needed(told: Article) -> None:
    project = third(told.project, EMAIL, ADD, DROP)
    database.execute(project.url, "insert into user (username) values ('ada')")
    dump = database.dump(project.url)
    assert verify(project) == []
    assert database.dump(project.url) == dump
    project.path("app.db").unlink()
    assert verify(project) == []
    assert not project.path("app.db").exists()


def test_revisions_of_gitmig_itself(tmp_path: Path) -> None:
    project = article(tmp_path).project
    assert project.gitmig("verify", check=0).stderr == "2 verified on sqlite\n"
    project.append("app/models.py", EMAIL)
    project.gitmig("revise", "-m", "E-mail", "--no-commit", check=0)
    said = project.gitmig("verify", "--last", "1", check=0)
    assert said.stderr == "1 verified on sqlite\n"

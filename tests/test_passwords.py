"""A password is nowhere but in the URL: not in what is said, written, or seen of the processes."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url

from tests import database
from tests.articles import plain
from tests.roles import SECRET
from tests.story import USERNAME, Project

_LOOK = """\
import glob
    with open({path!r}, "ab") as seen:
        for name in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                seen.write(open(name, "rb").read() + b"\\\\n")
            except OSError:
                pass
    op.execute("select 1")"""
_RAISE = 'import os; raise RuntimeError("no way to " + os.environ["DATABASE_URL"])'
_CRASH = 'import os, sys; print("at", os.environ["DATABASE_URL"], file=sys.stderr, flush=True); os._exit(9)'


def test_the_password_is_nowhere(role: str, postgres_url: str, tmp_path: Path) -> None:
    name = make_url(postgres_url).database
    database.execute(postgres_url, f'alter database "{name}" owner to {role}')
    url = make_url(postgres_url).set(username=role, password=SECRET)
    query = url.set(username=None, password=None).update_query_dict({"user": role, "password": SECRET})
    project = Project.create(tmp_path, url.render_as_string(hide_password=False))
    in_query = {"DATABASE_URL": query.render_as_string(hide_password=False)}
    assert all("s3cr" in text for text in (project.environment()["DATABASE_URL"], in_query["DATABASE_URL"]))
    seen = tmp_path / "cmdlines"
    said = []

    def run(*words: str, check: int = 0, query: bool = False) -> None:
        result = project.gitmig(*words, env=in_query if query else None, check=check)
        said.append(result.stdout + result.stderr)

    run("revise", "-m", "First revision")
    project.append("app/models.py", USERNAME)
    run("revise", "-m", "Add username", "--debug", query=True)
    run("ledger", "enable", "--yes")
    run("rollback", query=True)
    run("upgrade", "--json")
    run("status", "-v")
    run("log", "--json")
    run("ledger", "show")
    run("check", "HEAD")
    run("switch", "--detach", "main~1", "--yes")
    run("switch", "main", query=True)
    run("sync", "main~1", "--yes", query=True)
    run("sync")
    head = project.heads()[0]
    plain(project, "c3c3", head, up=_LOOK.format(path=str(seen)), down=_CRASH, message="Look")
    plain(project, "d4d4", "c3c3", up=_RAISE, down="pass", message="Raise")
    run("upgrade", "c3c3", query=True)
    run("upgrade", "--debug", check=1)
    run("upgrade", "--json", check=1, query=True)
    run("report")
    run("rollback", "--database-only", check=1)
    run("recover", query=True)
    run("rollback", "--database-only", "--debug", check=1, query=True)
    run("status", "--json", check=1)
    project.append("app/database.py", '\nraise RuntimeError(f"not at {CONNECTION_STR}")\n')
    run("check", check=2)
    run("recover")

    assert any("no way to" in text for text in said)
    assert any("\n  at postgresql" in text for text in said)
    assert any("not at" in text for text in said)
    assert b"gitmig" in seen.read_bytes()
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"record", "seen.json"} <= {path.stem if "record" in path.name else path.name for path in written}
    told = [*(text.encode() for text in said), *(path.read_bytes() for path in written)]
    assert not [text for text in told if b"s3cr" in text or b"w:rd" in text or b"w%3Ard" in text]

"""action.yml and the GitLab component, run as far as a shell can; SARIF and Markdown of ``check``."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from gitmig import __version__
from tests.articles import Article, article, plain
from tests.environments.projects import repository, service
from tests.story import Project

_TOP = Path(__file__).parent.parent
REVISION = "alembic/versions/c3c3_plain.py"
EMAIL = "    email: Mapped[str | None] = mapped_column(String(20))\n"


@pytest.fixture
def told(tmp_path: Path) -> Article:
    """The article's project, with a branch ``topic`` checked out that adds a revision and misses one."""
    found = article(tmp_path)
    project = found.project
    project.git("branch", "base")
    project.append("app/models.py", EMAIL)
    plain(project, "c3c3", found.second, up="op.add_column('user', sa.Column('email', sa.String(20)))",
          down="op.drop_column('user', 'email')", message="Add an e-mail address")  # fmt: skip
    project.commit("Add an e-mail address")
    project.append("app/models.py", "    phone: Mapped[str | None]\n")
    project.commit("Add a phone number")
    return found


def rules_of_sarif(log: dict[str, Any]) -> list[dict[str, Any]]:
    """The results, after what the specification and GitHub's code scanning want of a log."""
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["semanticVersion"]) == ("gitmig", __version__)
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in driver["rules"])
    assert isinstance(run["invocations"][0]["executionSuccessful"], bool)
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note", "none")
        assert result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert re.fullmatch(r"[\w./%-]+", place["artifactLocation"]["uri"])
        assert place.get("region", {"startLine": 1})["startLine"] > 0
        assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in result["partialFingerprints"].values())
    results: list[dict[str, Any]] = run["results"]
    return results


def test_sarif(told: Article) -> None:
    result = told.project.gitmig("check", "--format", "sarif", "--base", "base", check=1)
    (found,) = rules_of_sarif(result.json)
    assert (found["ruleId"], found["level"]) == ("GM001", "error")
    place = found["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]) == (REVISION, {"startLine": 9})
    assert "+ user.phone VARCHAR" in found["message"]["text"]
    again = told.project.gitmig("check", "--format=sarif", "--base", "base", check=1)
    assert again.stdout == result.stdout


def test_sarif_without_findings(told: Article) -> None:
    told.project.git("switch", "--quiet", "base")
    assert rules_of_sarif(told.project.gitmig("check", "--format", "sarif", check=0).json) == []


def test_sarif_of_what_could_not_be_judged(told: Article) -> None:
    told.project.append("app/models.py", "import nothing_of_that_name\n")
    result = told.project.gitmig("check", "--format", "sarif", check=2)
    log = result.json
    rules_of_sarif(log)
    assert log["runs"][0]["invocations"][0]["executionSuccessful"] is False
    assert result.stderr.startswith("Error: ")


def test_sarif_of_several_environments_is_one_run(tmp_path: Path) -> None:
    monorepo = repository(tmp_path / "shop")
    service(monorepo, "accounts", "User")
    service(monorepo, "billing", "Invoice")
    monorepo.commit("Start")
    log = monorepo.gitmig("check", "--format", "sarif", check=1).json
    texts = [found["message"]["text"] for found in rules_of_sarif(log)]
    assert [text.partition(":")[0] for text in texts] == ["accounts", "billing"]


def test_sarif_of_verify(told: Article) -> None:
    log = told.project.gitmig("verify", "--format", "sarif").json
    for found in rules_of_sarif(log):
        assert found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith("alembic/")


def test_other_commands_have_no_sarif(told: Article) -> None:
    said = told.project.gitmig("status", "--format", "sarif", check=2).stderr
    assert said == "Error: no such format: 'sarif'\nHint: one of text, json, github\n"


def test_markdown(told: Article) -> None:
    text = told.project.gitmig("check", "--format", "markdown", "--base", "base", check=1).stdout
    assert text.startswith("### gitmig: 1 error\n\n❌ **GM001** the revision c3c3 does not take the")
    assert "\n```diff\n+ user.phone VARCHAR\n```\n" in text
    assert "#### Plan\n\n- ▲ upgrade c3c3  Add an e-mail address\n" in text
    assert "#### Schema\n\n```diff\n~ user\n" in text
    assert "+   email VARCHAR(20)\n" in text


def test_markdown_of_models_that_do_not_import(told: Article) -> None:
    told.project.append("app/models.py", "import nothing_of_that_name\n")
    told.project.commit("Break it")
    text = told.project.gitmig("check", "--format", "markdown", "--base", "base").stdout
    assert text.startswith("### gitmig: no findings, but not all could be judged\n\n```\nError: ModuleNotFou")
    assert "Not compared: " in text


def test_markdown_of_a_long_difference_can_be_posted(told: Article) -> None:
    lines = "".join(f"    column_{number:05}: Mapped[str | None]\n" for number in range(2500))
    told.project.append("app/models.py", lines)
    told.project.commit("Many")
    text = told.project.gitmig("check", "--format", "markdown", "--base", "base", check=1).stdout
    assert len(text) < 65_000


class Forge(ThreadingHTTPServer):
    """The comments of GitHub's or GitLab's API, on this machine."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.comments: list[dict[str, Any]] = [{"id": n, "body": f"talk {n}"} for n in range(1, 150)]
        self.calls: list[str] = []

    @property
    def own(self) -> list[str]:
        """What is not talk."""
        return [one["body"] for one in self.comments if not one["body"].startswith("talk")]


class _Handler(BaseHTTPRequestHandler):
    server: Forge
    protocol_version = "HTTP/1.0"
    secret: ClassVar[tuple[str, ...]] = ("Bearer sesame", "sesame")

    def _answer(self, data: object, code: int = 200) -> None:
        self.server.calls.append(f"{self.command} {self.path}")
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(data).encode())

    def _body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return body

    def do_GET(self) -> None:
        if (self.headers["Authorization"] or self.headers["PRIVATE-TOKEN"]) not in self.secret:
            self._answer({}, 403)
            return
        page = int(self.path.rpartition("page=")[2])
        self._answer(self.server.comments[(page - 1) * 100 : page * 100])

    def do_POST(self) -> None:
        self.server.comments.append({"id": 1000, **self._body()})
        self._answer({}, 201)

    def _change(self) -> None:
        number = int(self.path.rpartition("/")[2])
        next(one for one in self.server.comments if one["id"] == number).update(self._body())
        self._answer({})

    do_PATCH = do_PUT = _change

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def forge() -> Iterator[Forge]:
    """A forge with a hundred and forty-nine comments on the pull request."""
    server = Forge()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def shell(project: Project, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A step as the forge runs it."""
    environment = project.environment(variables)
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=project.top, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def github(
    project: Project, folder: Path, forge: Forge, token: str = "sesame", **inputs: str
) -> tuple[int, str]:
    """The steps of action.yml after the one that installs; the exit code of the last, and what was said."""
    action = yaml.safe_load((_TOP / "action.yml").read_text("utf-8"))
    steps = {step["name"]: step for step in action["runs"]["steps"]}
    assert list(steps) == ["Install gitmig", "Check", "Comment", "Result"]
    runner = {
        "RUNNER_TEMP": str(folder), "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_OUTPUT": str(folder / "output"), "GITHUB_API_URL": f"http://127.0.0.1:{forge.server_port}",
        "GITHUB_REPOSITORY": "ada/shop",
    }  # fmt: skip
    given = {"BASE": "base", "PYTHON": "", "SARIF": "", **inputs}
    assert set(steps["Check"]["env"]) == set(given)
    checked = shell(project, steps["Check"]["run"], **runner, **given)
    assert checked.returncode == 0, checked.stderr
    commented = shell(project, steps["Comment"]["run"], **runner, TOKEN=token, ISSUE="7")
    code = (folder / "output").read_text().splitlines()[-1].removeprefix("code=")
    ended = shell(project, steps["Result"]["run"], CODE=code)
    return ended.returncode, checked.stdout + commented.stdout


def test_github_action(told: Article, tmp_path: Path, forge: Forge) -> None:
    code, said = github(told.project, tmp_path, forge, SARIF=str(tmp_path / "gitmig.sarif"))
    assert code == 1
    assert f"::error file={REVISION},line=9::GM001" in said
    (comment,) = forge.own
    assert comment.startswith("<!-- gitmig -->\n### gitmig: 1 error\n")
    assert "- ▲ upgrade c3c3" in comment
    assert (tmp_path / "summary").read_text("utf-8") == comment
    rules_of_sarif(json.loads((tmp_path / "gitmig.sarif").read_text()))
    told.project.git("reset", "--quiet", "--hard", "HEAD^")
    code, _ = github(told.project, tmp_path, forge)
    assert code == 0
    (comment,) = forge.own
    assert comment.startswith("<!-- gitmig -->\n### gitmig: no findings\n")
    assert [call.split()[0] for call in forge.calls] == ["GET", "GET", "POST", "GET", "GET", "PATCH"]


def test_github_action_without_the_right_to_comment(told: Article, tmp_path: Path, forge: Forge) -> None:
    code, said = github(told.project, tmp_path, forge, token="wrong")
    assert (code, forge.own) == (1, [])
    assert "::warning::the comment could not be written" in said


def test_every_input_of_the_action_is_used() -> None:
    text = (_TOP / "action.yml").read_text("utf-8")
    action = yaml.safe_load(text)
    used = set(re.findall(r"inputs\.([\w-]+)", text))
    assert used == set(action["inputs"])
    assert all("shell" in step for step in action["runs"]["steps"])


def gitlab(project: Project, forge: Forge, **variables: str) -> tuple[int, str]:
    """The component's script, with its inputs filled in."""
    header, job = yaml.safe_load_all((_TOP / "templates/gitmig.yml").read_text("utf-8"))
    text = json.dumps(job)
    inputs = {
        name: (one or {}).get("default", "git+file:///gitmig")
        for name, one in header["spec"]["inputs"].items()
    }
    assert set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", text)) == set(inputs)
    for name, value in inputs.items():
        text = text.replace(f"$[[ inputs.{name} ]]", value)
    filled = json.loads(text)["gitmig"]
    assert filled["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "merge_request_event"'}]
    given = {
        "TOKEN_NAME": filled["variables"]["TOKEN_NAME"], "CI_MERGE_REQUEST_DIFF_BASE_SHA": "base",
        "CI_API_V4_URL": f"http://127.0.0.1:{forge.server_port}", "CI_PROJECT_ID": "1",
        "CI_MERGE_REQUEST_IID": "7", **variables,
    }  # fmt: skip
    done = shell(project, "\n".join(filled["script"]), **given)
    return done.returncode, done.stdout + done.stderr


def test_gitlab_component(told: Article, forge: Forge) -> None:
    code, said = gitlab(told.project, forge, GITMIG_TOKEN="sesame")
    assert code == 1
    assert "GM001 the revision c3c3 does not take" in said
    (note,) = forge.own
    assert note.startswith("<!-- gitmig -->\n### gitmig: 1 error\n")
    told.project.git("reset", "--quiet", "--hard", "HEAD^")
    assert gitlab(told.project, forge, GITMIG_TOKEN="sesame")[0] == 0
    (note,) = forge.own
    assert note.startswith("<!-- gitmig -->\n### gitmig: no findings\n")
    assert forge.calls[-1].startswith("PUT ")


def test_gitlab_component_without_a_token(told: Article, forge: Forge) -> None:
    code, said = gitlab(told.project, forge)
    assert (code, forge.calls) == (1, [])
    assert "could not be written" not in said

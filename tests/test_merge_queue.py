"""What docs/ci.md has merge queues and bots do, with real merges."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.articles import findings
from tests.branching import MODELS, Branches, branches, parents
from tests.story import Project

_PAGE = (Path(__file__).parent.parent / "docs" / "ci.md").read_text("utf-8")


def test_the_second_one_leaves_the_queue_and_comes_back(tmp_path: Path) -> None:
    """Two pull requests from one main; the queue tests each on what is before it."""
    found = branches(tmp_path)
    project = found.project
    project.git("branch", "--quiet", "--move", "main", "first")
    project.git("branch", "--quiet", "main", "first~1")
    project.git("clone", "--quiet", "--bare", ".", "../origin.git")
    project.git("clone", "--quiet", "../origin.git", "../queue")
    queue = project.beside(tmp_path / "queue")
    base = queue.git("rev-parse", "origin/main")
    # The first group is main with the first; the second one adds the other to it.
    queue.git("switch", "--quiet", "--detach", "origin/main")
    queue.git("merge", "--quiet", "--no-ff", "--no-edit", "origin/first")
    queue.gitmig("check", "--base", base, check=0)
    group = queue.git("rev-parse", "HEAD")
    queue.git("merge", "--quiet", "--no-ff", "--no-edit", "origin/topic")
    refused = queue.gitmig("check", "--base", group, "--json", check=1).json["findings"]
    assert {(one["code"], one["hint"]) for one in refused} == {("GM002", "gitmig rebase")}
    queue.git("push", "--quiet", "origin", f"{group}:refs/heads/main")
    # The bot, on the branch of the pull request.
    queue.git("fetch", "--quiet")
    queue.git("switch", "--quiet", "topic")
    queue.git("merge", "--quiet", "--no-edit", "origin/main")
    queue.gitmig("rebase", "--fix", "--onto", "origin/main", check=0)
    assert not queue.path("app.db").exists()
    queue.git("push", "--quiet")
    # It is queued again.
    queue.git("switch", "--quiet", "--detach", "origin/main")
    queue.git("merge", "--quiet", "--no-ff", "--no-edit", "origin/topic")
    queue.gitmig("check", "--base", group, check=0)
    assert parents(queue)[found.ours] == (found.theirs,)


def test_a_bot_decides_nothing(tmp_path: Path) -> None:
    found = branches(tmp_path)
    project = found.project
    project.git("switch", "--quiet", "main")
    project.append(MODELS, "    email: Mapped[str | None] = mapped_column(String(80))\n")
    project.gitmig("sync", "--yes", check=0)
    project.gitmig("revise", "-m", "Add e-mail", "--yes", check=0)
    project.git("switch", "--quiet", "topic")
    project.try_git("merge", "main")
    project.git("checkout", "--quiet", "--theirs", MODELS)
    project.git("commit", "--quiet", "--all", "--no-edit")
    before = project.snapshot()
    result = project.gitmig("rebase", "--fix", "--onto", "main", check=1)
    assert result.stderr.startswith(f"Error: GM009: {found.ours} and {found.theirs}, ")
    assert project.snapshot() == before
    assert "GM009" in findings(project.gitmig("check", "--base", "main", "--json", check=1).json)


def test_the_workflows_are_yaml_and_name_commands_that_there_are() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)
    assert len(blocks) >= 6
    for block in blocks:
        yaml.safe_load(block)
    said = re.findall(r"gitmig rebase ([^\n]*)", "".join(blocks))
    assert said == [
        '--fix --onto "origin/$BASE"',
        '--fix --onto "origin/$CI_MERGE_REQUEST_TARGET_BRANCH_NAME"',
    ]


def steps(heading: str, words: str) -> str:
    """The shell lines of the page's workflow, below a heading, that has ``words``."""
    part = _PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    (block,) = [one for one in re.findall(r"```yaml\n(.*?)```", part, re.DOTALL) if words in one]
    found = yaml.safe_load(block)
    if "jobs" in found:
        (job,) = found["jobs"].values()
        lines = [step["run"] for step in job["steps"] if "run" in step]
    else:
        (job,) = found.values() if isinstance(found, dict) else [{"script": found}]
        lines = job["script"]
    return "\n".join(line for line in lines if not line.startswith("pip install"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """A bare repository with main and two branches that both add a revision, and a runner's clone."""

    runner: Project
    found: Branches

    @property
    def main(self) -> str:
        """What the branch that all build on is at."""
        return self.runner.git("ls-remote", "origin", "refs/heads/main").partition("\t")[0]

    def runs(self, script: str, *, code: int = 0, variables: Mapping[str, str]) -> str:
        """Run it as a forge would, stopping at the first line that fails, by nobody in particular."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        unknown = {f"GIT_{who}_{what}": None for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        env = self.runner.environment({"PATH": path, **unknown, **variables})
        nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "EMAIL": ""}
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=self.runner.top, env={**env, **nobody}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    found = branches(tmp_path)
    project = found.project
    project.git("branch", "--quiet", "--move", "main", "first")
    project.git("branch", "--quiet", "main", "first~1")
    project.git("clone", "--quiet", "--bare", ".", "../origin.git")
    # As a runner has it: every branch of the remote, none of its own, and not which one is the default.
    project.git("init", "--quiet", "--template=", "../runner")
    runner = project.beside(tmp_path / "runner")
    runner.git("remote", "add", "origin", "../origin.git")
    runner.git("fetch", "--quiet", "origin")
    runner.git("config", "url.../origin.git.insteadOf", "https://revisions:secret@gitlab.example/shop.git")
    return Forge(runner=runner, found=found)


def merged(runner: Project, onto: str, branch: str) -> str:
    """What a forge checks: the merge of a branch into what is before it; its id."""
    runner.git("switch", "--quiet", "--detach", onto)
    runner.git("merge", "--quiet", "--no-ff", "--no-edit", branch)
    return runner.git("rev-parse", "HEAD")


GITLAB = {
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "topic",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
    "PUSH_TOKEN": "secret",
    "CI_SERVER_HOST": "gitlab.example",
    "CI_PROJECT_PATH": "shop",
}


def test_a_merge_queue_of_github(forge: Forge) -> None:
    """The workflows of the page, word for word: the second group fails, the label mends it."""
    runner = forge.runner
    (check,) = re.findall(r'`(gitmig check --base "\$BASE" --format github)`', _PAGE)
    queued = merged(runner, "origin/main", "origin/first")
    forge.runs(check, variables={"BASE": forge.main})
    merged(runner, queued, "origin/topic")
    assert "::error" in forge.runs(check, code=1, variables={"BASE": queued})
    runner.git("push", "--quiet", "origin", f"{queued}:refs/heads/main")
    runner.git("fetch", "--quiet", "origin")
    runner.git("switch", "--quiet", "--force-create", "topic", "--track", "origin/topic")
    forge.runs(steps("Merge queues", "github.base_ref"), variables={"BASE": "main"})
    runner.git("fetch", "--quiet", "origin")
    merged(runner, "origin/main", "origin/topic")
    forge.runs(check, variables={"BASE": queued})
    assert not runner.path("app.db").exists()


def test_a_merge_train_of_gitlab(forge: Forge) -> None:
    runner = forge.runner
    train = steps("Merge queues", "TARGET_BRANCH_SHA")
    first = merged(runner, "origin/main", "origin/first")
    forge.runs(train, variables={"CI_MERGE_REQUEST_TARGET_BRANCH_SHA": forge.main})
    merged(runner, first, "origin/topic")
    said = forge.runs(train, code=1, variables={"CI_MERGE_REQUEST_TARGET_BRANCH_SHA": first})
    assert "GM002" in said
    assert "Hint: gitmig rebase\n" in said
    runner.git("push", "--quiet", "origin", f"{first}:refs/heads/main")
    runner.git("fetch", "--quiet", "origin")
    # A runner keeps its folder: a branch of that name may be there from another day.
    runner.git("branch", "--quiet", "topic", "origin/main")
    forge.runs(steps("Merge queues", "rebase-revisions"), variables=GITLAB)
    runner.git("fetch", "--quiet", "origin")
    again = merged(runner, "origin/main", "origin/topic")
    forge.runs(train, variables={"CI_MERGE_REQUEST_TARGET_BRANCH_SHA": first})
    assert parents(runner)[forge.found.ours] == (forge.found.theirs,)
    # In the pipeline of a merge request there is no train.
    runner.git("switch", "--quiet", "--detach", again)
    forge.runs(steps("GitLab", "check"), variables={"CI_MERGE_REQUEST_DIFF_BASE_SHA": first})
    assert not runner.path("app.db").exists()

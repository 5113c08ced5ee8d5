"""What docs/ci.md has merge queues and bots do, with real merges."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tests.articles import findings
from tests.branching import MODELS, branches, parents

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

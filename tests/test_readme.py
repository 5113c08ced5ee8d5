"""README.md: its links lead somewhere. (For the demo's output: test_demo.py.)"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

_TOP = Path(__file__).resolve().parent.parent
_TEXT = (_TOP / "README.md").read_text("utf-8")
_LINKS = [link for link in re.findall(r"\]\(([^)]+)\)", _TEXT) if not link.startswith("https:")]


@pytest.mark.parametrize("link", _LINKS)
def test_a_link_leads_somewhere(link: str) -> None:
    path, _, anchor = link.partition("#")
    assert (_TOP / path).is_file()
    headings = re.findall(r"^#+ (.+)$", (_TOP / path).read_text("utf-8"), re.MULTILINE)
    assert not anchor or anchor in [_anchor(heading) for heading in headings]


def test_the_lines_for_the_framework_name_a_hook_that_there_is() -> None:
    (lines,) = re.findall(r"```yaml\n(.*?)```", _TEXT, re.DOTALL)
    assert len(lines.splitlines()) == 4
    (repo,) = yaml.safe_load("repos:\n" + lines)["repos"]
    hook, _ = yaml.safe_load((_TOP / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert repo["hooks"] == [{"id": hook["id"]}]


@pytest.mark.parametrize("name", ["demo", "tests"])
def test_the_command_that_ci_runs_is_found(name: str) -> None:
    assert re.search(rf"^<!-- ci:{name} -->\n```sh\n.+\n```$", _TEXT, re.MULTILINE)


def _anchor(heading: str) -> str:
    """As GitHub makes them."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")

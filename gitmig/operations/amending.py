"""What ``revise --amend`` redoes: the head revision, while nobody else has it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gitmig.errors import Refused
from gitmig.execute import write_text
from gitmig.graph import Graph
from gitmig.model import Script
from gitmig.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """The revision that is redone, as its file stands."""

    script: Script
    text: str
    committed: bool
    """Whether HEAD is its commit, which is then amended."""

    def aside(self, graph: Graph, private: Path) -> tuple[Script, ...]:
        """The graph with this revision's old script, written where the new draft does not replace it."""
        kept = private / "amended" / Path(self.script.path).name
        write_text(kept, self.text)
        others = (script for script in graph.scripts.values() if script.revision != self.script.revision)
        return (*others, replace(self.script, path=str(kept)))


def amended(project: Project, graph: Graph) -> Amended:
    """The head revision, to be redone. Raises Refused where it is published or not HEAD's own."""
    if not graph.heads:
        raise Refused("there is no revision to amend", hint='gitmig revise -m "…"')
    script = graph.scripts[graph.heads[0]]
    # What is on disk: an edit that was made since is what the database was moved by, if it was.
    text = (project.top / script.path).read_text("utf-8")
    head = project.git.head()
    if head is None or script.revision not in project.graph(project.commit_tree(head)).scripts:
        return Amended(script=script, text=text, committed=False)
    if project.git.is_published(head, project.settings.published):
        raise Refused(
            f"the revision {script.revision} is published: others may have applied it",
            hint='make a new one: gitmig revise -m "…"',
        )
    parents = project.git.commit_info(head).parents
    if any(script.revision in project.graph(project.commit_tree(parent)).scripts for parent in parents):
        raise Refused(
            f"the revision {script.revision} is not of the last commit, which --amend would change",
            hint='make a new one: gitmig revise -m "…"',
        )
    committed = project.commit_tree(head).read(script.path)
    return Amended(script=script, text=(committed or text.encode()).decode("utf-8"), committed=True)

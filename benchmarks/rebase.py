"""``gitmig rebase`` of 20 revisions, without a proof on scratch: ``python benchmarks/rebase.py``.

Under two seconds is the budget; the database goes along.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sealed import seal
from tests.branching import MODELS, order, revised
from tests.story import Project

REVISIONS, ROUNDS, BUDGET = 20, 5, 2.0


def main() -> None:
    """Rebase the same branch several times, and print the median."""
    with tempfile.TemporaryDirectory(prefix="gitmig-rebase-") as name:
        folder = Path(name)
        seal(folder / "home")
        project = Project.create(folder)
        revised(project, "First")
        project.git("switch", "--quiet", "-c", "topic")
        for number in range(REVISIONS):
            project.append(MODELS, f"    c{number}: Mapped[str | None] = mapped_column(String)\n")
            revised(project, f"Add c{number}")
        project.gitmig("switch", "main", "--yes", check=0)
        order(project)
        revised(project, "Add orders")
        project.gitmig("switch", "topic", "--yes", check=0)
        project.git("merge", "--quiet", "--no-edit", "main")
        taken = []
        for _ in range(ROUNDS):
            began = time.monotonic()
            project.gitmig("rebase", "--yes", check=0)
            taken.append(time.monotonic() - began)
            project.git("switch", "--quiet", "--detach", "topic~1^1")
            project.gitmig("sync", "--yes", check=0)
            project.git("switch", "--quiet", "-C", "topic", "topic~1")
    median = statistics.median(taken)
    print(f"rebase of {REVISIONS} revisions: {median:.2f} s (budget {BUDGET} s)")
    sys.exit(median > BUDGET)


if __name__ == "__main__":
    main()

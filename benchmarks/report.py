"""What a page of ``gitmig report`` costs: 200 revisions, 100 tables, 40 commits without a revision.

    python benchmarks/report.py [--tables 100] [--revisions 200]

Prints how long the first page takes, for which the models of each commit are imported, and the next one; how
large the page is; and how long Chromium takes to open it and to draw the tables. Fails past 3 MB or 2 s.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.hook import machine
from tests.browser import Browser
from tests.screenshots import PERSON
from tests.shop import shop

_LARGEST, _LONGEST = 3_000_000, 2.0


def main() -> int:
    """Measure, print, and say whether it is within the budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--revisions", type=int, default=200)
    arguments = parser.parse_args()
    os.environ.update(PERSON)
    with tempfile.TemporaryDirectory() as folder:
        project = shop(Path(folder), tables=arguments.tables, revisions=arguments.revisions, remarks=40)
        print(machine())
        for name in ("the first page", "the next one"):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-m", "gitmig", "report"], cwd=project.top, check=True)
            print(f"{name:20} {time.perf_counter() - begun:6.2f} s")
        page = project.path("gitmig-report.html")
        browser = Browser(Path(folder, "chromium"))
        try:
            begun = time.perf_counter()
            browser.open(page)
            opened = time.perf_counter() - begun
            begun = time.perf_counter()
            browser.go("tab=tables")
            drawn = time.perf_counter() - begun
        finally:
            browser.close()
        size = page.stat().st_size
        print(f"{'size':20} {size / 1e6:6.2f} MB")
        print(f"{'opened':20} {opened:6.2f} s\n{'tables drawn':20} {drawn:6.2f} s")
        return int(size > _LARGEST or opened > _LONGEST)


if __name__ == "__main__":
    sys.exit(main())

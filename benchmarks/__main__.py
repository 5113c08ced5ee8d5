"""All that is measured, side by side on one machine: ``python -m benchmarks [NAMES] [--repo PATH]``.

NAMES are parts of it (all by default, without drafts and random tests, which are commands of their own).
Writes docs/performance.md; parts that were not measured stay as they were. Ends with 1 past a budget.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import article, installed, page, sizes
from benchmarks.hook import machine
from benchmarks.measuring import HEAD, Part
from benchmarks.proof import proof
from benchmarks.sealed import seal
from benchmarks.sides import switch

_INSTALLED = "BENCHMARKS_INSTALLED"
"""Set where a wheel is installed, and nothing is editable."""
_DATA = Path(__file__).parent / "performance.json"


def main() -> int:
    """Measure and write. Returns 1 past a budget."""
    options = _options()
    if _INSTALLED not in os.environ:
        with tempfile.TemporaryDirectory(prefix="gitmig-installed-") as folder:
            command = [installed.python(Path(folder)), "-m", "benchmarks", *sys.argv[1:]]
            return subprocess.run(command, env=os.environ | {_INSTALLED: "1"}, check=False).returncode
    parts: Mapping[str, Callable[[Path, int], Part]] = {
        "start": article.start,
        "article": article.article,
        "switch": switch,
        "large": sizes.large,
        "wide": sizes.wide,
        "huge": sizes.huge,
        "growth": sizes.growth,
        "proof": proof,
    }
    if options.repo is not None:
        name = options.repo.resolve().name
        measure = functools.partial(
            sizes.given, repo=options.repo.resolve(), models=options.models, module=options.module
        )
        parts = {f"repo {name}": measure}
    unknown = [name for name in options.names if name not in parts]
    if unknown:
        raise SystemExit(f"no such part: {', '.join(unknown)}; there are {', '.join(parts)}")
    stored = json.loads(_DATA.read_text("utf-8")) if _DATA.exists() else {}
    late = False
    with tempfile.TemporaryDirectory(prefix="gitmig-benchmarks-") as folder:
        seal(Path(folder, "home"))
        for name in options.names or parts:
            began = time.monotonic()
            print(f"\n## {name}\n\n{HEAD}", flush=True)
            made = parts[name](Path(folder), options.rounds)
            late |= any(row.late for row in made.rows)
            stored[name] = {**made.as_json(), "machine": machine(), "rounds": options.rounds}
            print(f"\n{time.monotonic() - began:.0f} s", flush=True)
            if options.write:
                _DATA.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
                page.write(stored)
    print("\npast a budget" if late else "\nwithin the budgets")
    return int(late)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What gitmig takes.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="start, article, switch, large, wide, huge, growth, proof"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repo", type=Path, help="a clone with a database at its head, measured instead")
    parser.add_argument("--models", default="app/models/m00.py", help="of --repo: a file of models to edit")
    parser.add_argument(
        "--module", default="app.models", help="of --repo: what an import of all models names"
    )
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave the page as it is")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

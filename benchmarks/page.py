"""docs/performance.md, out of what was measured: tables, and plots of how time and memory grow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measuring import HEAD, Row, row_text

DOCS = Path(__file__).resolve().parent.parent / "docs"
_ABOUT = """\
# Performance

Whole processes, measured in turn with what they are compared with: the ratio is the median of the rounds'
ratios, and half of the rounds lie between the two numbers after it. MB is the largest process. A budget that
was not kept is in bold. Written by `python -m benchmarks`.
"""
_TITLES = {"seconds": "seconds", "MB": "MB of the largest process"}


def write(stored: Mapping[str, Any]) -> None:
    """Write the page and its plots."""
    text = [_ABOUT]
    for part in stored.values():
        text += [
            f"## {part['title']}\n",
            f"{part['about']}\n",
            f"{part['machine']}; {part['rounds']} rounds.\n",
        ]
        if part["rows"]:
            text.append("\n".join([HEAD, *(row_text(Row(**row)) for row in part["rows"])]) + "\n")
        plots: dict[str, list[Any]] = {}
        for line in part["lines"]:
            plots.setdefault(line["plot"], []).append(line)
        for name, lines in plots.items():
            _draw(DOCS / f"performance-{name}.svg", lines)
            text.append(
                f"![{_TITLES[lines[0]['up']]} against {lines[0]['across']}](performance-{name}.svg)\n"
            )
    (DOCS / "performance.md").write_text("\n".join(text), "utf-8")


def _draw(path: Path, lines: list[Any]) -> None:
    import matplotlib

    matplotlib.use("svg")
    # The same file for the same numbers.
    matplotlib.rcParams["svg.hashsalt"] = "gitmig"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 3.5))
    for line in lines:
        across, up = zip(*line["points"], strict=True)
        axes.plot(across, up, marker="o", label=line["name"])
    axes.set_xlabel(lines[0]["across"])
    axes.set_ylabel(_TITLES[lines[0]["up"]])
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)

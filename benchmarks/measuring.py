"""How the benchmarks measure: whole processes, two in turn, the median of the ratios."""

from __future__ import annotations

import functools
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

PYTHON = (sys.executable, "-P")
GITMIG = (str(Path(sys.executable).parent / "gitmig"),)
ALEMBIC = (str(Path(sys.executable).parent / "alembic"),)

Work = Callable[[], "Used"]
# A process counts as large as the one that started it, until it runs its own program: so a small one starts
# them all.
_STARTER = """
import json, os, sys, tempfile, time
for line in sys.stdin:
    order = json.loads(line)
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        child = os.fork()
        if not child:
            try:
                os.chdir(order["top"])
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                os.execvpe(order["command"][0], order["command"], order["environment"])
            finally:
                os._exit(127)
        _, status, used = os.wait4(child, 0)
        seconds = time.perf_counter() - began
        output.seek(0)
        said = output.read().decode("utf-8", "replace")[-4000:]
    print(json.dumps([seconds, used.ru_maxrss, os.waitstatus_to_exitcode(status), said]), flush=True)
"""


@functools.cache
def _starter() -> subprocess.Popen[str]:
    """The process that starts what is measured; it ends with this one."""
    command = [sys.executable, "-I", "-S", "-c", _STARTER]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@dataclass(frozen=True, slots=True)
class Used:
    """What some commands took together."""

    seconds: float
    megabytes: float
    """Of the largest process, its children included."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Some work, what it is compared with, and what it may take of that."""

    name: str
    work: Work
    against: str
    base: Work
    times: float | None = None
    """The budget: so many times what the other took, and ``more`` seconds."""
    more: float = 0.0
    megabytes: float | None = None
    """The budget of memory."""
    rounds: int | None = None
    """As many as it is measured, if not as often as the others."""


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of a pair: medians, and the quartiles of the ratio."""

    name: str
    against: str
    seconds: float
    base: float
    ratio: float
    low: float
    high: float
    megabytes: float
    budget: str = ""
    late: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plot: what it tells of, and its points."""

    plot: str
    across: str
    up: str
    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the page."""

    title: str
    about: str
    rows: Sequence[Row] = ()
    lines: Sequence[Line] = ()

    def as_json(self) -> dict[str, object]:
        """As values that JSON has."""
        return asdict(self)


@dataclass(slots=True)
class Shell:
    """Where commands run, and with which environment."""

    top: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def run(self, *command: str, codes: Iterable[int] = (0,)) -> Used:
        """Run a command, which must end with one of these codes."""
        order = {"command": command, "top": str(self.top), "environment": dict(self.environment)}
        starter = _starter()
        assert starter.stdin is not None
        assert starter.stdout is not None
        starter.stdin.write(json.dumps(order) + "\n")
        starter.stdin.flush()
        seconds, kilobytes, code, said = json.loads(starter.stdout.readline())
        if code not in codes:
            raise SystemExit(f"{' '.join(command)}: exit code {code}\n{said}")
        return Used(seconds, kilobytes / 1024)

    def all(self, *commands: Sequence[str]) -> Work:
        """Work that runs these commands one after the other."""

        def work() -> Used:
            used = [self.run(*command) for command in commands]
            return Used(sum(one.seconds for one in used), max(one.megabytes for one in used))

        return work


def after(before: Callable[[], object], work: Work) -> Work:
    """The work, with something before it that is not measured."""

    def both() -> Used:
        before()
        return work()

    return both


def measured(pairs: Iterable[Pair], rounds: int) -> list[Row]:
    """Run each pair in turn; the first round does not count, but for pairs with rounds of their own.

    Prints each row.
    """
    rows = []
    for pair in pairs:
        ours: list[Used] = []
        theirs: list[Used] = []
        for number in range(pair.rounds or rounds + 1):
            one, other = pair.work(), pair.base()
            if number or pair.rounds:
                ours.append(one)
                theirs.append(other)
        rows.append(_row(pair, ours, theirs))
        print(row_text(rows[-1]), flush=True)
    return rows


def _row(pair: Pair, ours: Sequence[Used], theirs: Sequence[Used]) -> Row:
    ratios = sorted(one.seconds / other.seconds for one, other in zip(ours, theirs, strict=True))
    quarter = len(ratios) // 4
    ratio = statistics.median(ratios)
    seconds = statistics.median(one.seconds for one in ours)
    base = statistics.median(one.seconds for one in theirs)
    megabytes = statistics.median(one.megabytes for one in ours)
    words, late = [], False
    if pair.times is not None:
        # Where seconds are added the ratio alone does not tell.
        late = seconds > pair.times * base + pair.more if pair.more else ratio > pair.times
        words.append(
            " and ".join(
                filter(None, (pair.times and f"{pair.times:g} times", pair.more and f"{pair.more:g} s"))
            )
        )
    if pair.megabytes is not None:
        late |= megabytes > pair.megabytes
        words.append(f"{pair.megabytes:g} MB")
    return Row(
        name=pair.name,
        against=pair.against,
        seconds=seconds,
        base=base,
        ratio=ratio,
        low=ratios[quarter],
        high=ratios[-1 - quarter],
        megabytes=megabytes,
        budget=", ".join(words),
        late=late,
    )


HEAD = "| | ms | against | ms | ratio | half of them | MB | budget |\n|---|---:|---|---:|---:|---|---:|---|"


def row_text(row: Row) -> str:
    """A row of :data:`HEAD`'s table."""
    budget = f"**{row.budget}: past it**" if row.late else row.budget
    cells = [row.name, f"{row.seconds * 1000:.0f}", row.against, f"{row.base * 1000:.0f}", f"{row.ratio:.2f}"]
    cells += [f"{row.low:.2f} to {row.high:.2f}", f"{row.megabytes:.0f}", budget]
    return f"| {' | '.join(cells)} |"

"""``gitmig report``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.progress import Bar
from gitmig.errors import Refused, UsageError
from gitmig.operations.report import report
from gitmig.render.report import MARK, page, report_json, report_text
from gitmig.state.files import write_bytes

_BEGINNING = 4096
"""Bytes of a page in which its mark stands."""


def run(
    common: Common,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Where to write it; - is stdout.")
    ] = Path("gitmig-report.html"),
) -> int:
    """Write one page of HTML: the schema over time, with revisions, commits and databases."""
    to_stdout = str(output) == "-"
    if to_stdout and common.format == "json":
        raise UsageError("the page and JSON cannot both go to stdout", hint="gitmig report --json -o FILE")
    path = common.project.directory / output
    if not to_stdout:
        _require_ours(path, output)
    with Bar() as bar:
        result = report(common.open(), begun=bar.begin, step=bar.step)
    text = page(result).encode()
    if to_stdout:
        sys.stdout.buffer.write(text)
        return 0
    try:
        write_bytes(path, text)
    except OSError as error:
        raise _not_written(output, error) from None
    if common.format == "json":
        print(json.dumps(report_json(result, output, len(text))))
    else:
        report_text(result, output, len(text))
    return 0


def _require_ours(path: Path, name: Path) -> None:
    """Raise Refused for a file that is no earlier page: git may not hold it."""
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _not_written(name, error) from None
    if MARK.encode() not in beginning:
        raise Refused(f"{name} is no page of gitmig: it is left as it is", hint="gitmig report -o FILE")


def _not_written(name: Path, error: OSError) -> UsageError:
    return UsageError(f"{name} cannot be written: {error.strerror}", hint="gitmig report -o FILE")

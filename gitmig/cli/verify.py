"""``gitmig verify``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.progress import Bar
from gitmig.core.verification import Verified
from gitmig.errors import UsageError
from gitmig.operations.verify import Verification, Wanted, verify
from gitmig.render.findings import findings_github
from gitmig.render.sarif import sarif
from gitmig.render.verify import junit, summary_text, verified_text, verify_json


def run(
    common: Common,
    since: Annotated[
        str | None, typer.Option("--since", metavar="REF", help="Only revisions that REF does not have.")
    ] = None,
    last: Annotated[int | None, typer.Option("--last", metavar="N", help="Only the newest N.")] = None,
    seed: Annotated[
        list[Path], typer.Option("--seed", metavar="FILE.sql", help="Rows to put in besides; repeatable.")
    ] = [],  # noqa: B006 - Typer reads it and copies it
    junit_file: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit's XML there, too.")
    ] = None,
    write_baseline: Annotated[
        bool, typer.Option("--write-baseline", help="Accept what is found now, in .gitmig-baseline.json.")
    ] = False,
) -> int:
    """Replay revisions on a scratch database: up, models reached, down, nothing left, up again, with rows."""
    wanted = Wanted(since=since, last=last, seeds=tuple(seed), write_baseline=write_baseline)
    if write_baseline and (since is not None or last is not None):
        raise UsageError("a baseline is of all revisions", hint="gitmig verify --write-baseline")
    result = _verified(common, wanted)
    if junit_file is not None:
        try:
            junit_file.write_bytes(junit(result))
        except OSError as error:
            raise UsageError(
                f"{junit_file} cannot be written: {error.strerror}", hint="--junit FILE"
            ) from None
    match common.format:
        case "json":
            print(json.dumps(verify_json(result)))
        case "github":
            findings_github(result.findings)
        case "sarif":
            print(json.dumps(sarif(result.findings)))
        case _:
            summary_text(result)
    return 1 if result.failed and not write_baseline else 0


def _verified(common: Common, wanted: Wanted) -> Verification:
    project = common.open()
    if common.format != "text":
        return verify(project, wanted)
    with Bar() as bar:

        def report(verified: Verified) -> None:
            with bar.aside():
                verified_text(verified)

        return verify(project, wanted, begun=bar.begin, step=bar.step, imported=bar.models, report=report)

"""What ``check`` says as Markdown: a comment for a pull request, with findings, plan and schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gitmig.core.codes import Finding, Severity
from gitmig.errors import GitmigError
from gitmig.operations.check_base import Review
from gitmig.render.diff import LONGEST, cell, diff_lines, fenced, shortened
from gitmig.render.errors import error_text
from gitmig.render.harmless import harmless
from gitmig.render.hints import hinted


def review_markdown(
    findings: Sequence[Finding], problems: Iterable[GitmigError], reviews: Sequence[tuple[str, Review]]
) -> str:
    """The comment; ``reviews`` are of the environments, by name, of a pull request."""
    kept = list(problems)
    doubt = ", but not all could be judged" if kept else ""
    head = [f"### gitmig: {_counted(findings)}{doubt}", *_findings(findings)]
    for problem in kept:
        head += ["", "```", *fenced(error_text(problem).splitlines()), "```"]
    several = len(reviews) > 1
    plans = [line for name, review in reviews for line in _plan(review, name if several else "")]
    whole = "\n".join([*head, *plans, *_schemas(reviews, several=several, short=False)])
    if len(whole) <= LONGEST:
        return whole
    return "\n".join([*head, *plans, *_schemas(reviews, several=several, short=True)])[:LONGEST]


def _counted(findings: Sequence[Finding]) -> str:
    counts = [(sum(f.severity is one for f in findings), one.value) for one in Severity]
    return ", ".join(f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n) or "no findings"


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        place = f" ({finding.path}{f':{finding.line}' if finding.line else ''})" if finding.path else ""
        sign = "❌" if finding.severity is Severity.ERROR else "⚠️"
        yield ""
        yield f"{sign} **{finding.code}** {cell(harmless(finding.message + place))}"
        if finding.details:
            yield from ("", "```diff", *fenced(map(harmless, finding.details)), "```")
        if finding.hint:
            yield from ("", "```sh", *fenced([harmless(hinted(finding.hint))]), "```")


def _plan(review: Review, name: str) -> Iterator[str]:
    yield from ("", f"#### Plan{f' of {cell(name)}' if name else ''}", "")
    if not review.added:
        yield "No revision is added: a database of the base stays as it is."
    for script in review.added:
        yield f"- ▲ upgrade {cell(f'{script.revision}  {harmless(script.title)}')}"


def _schemas(reviews: Sequence[tuple[str, Review]], *, several: bool, short: bool) -> Iterator[str]:
    for name, review in reviews:
        title = f"#### Schema{f' of {cell(name)}' if several else ''}"
        yield ""
        if review.diff is None:
            yield from (title, "", f"Not compared: {cell(harmless(review.reason))}")
        elif short:
            yield shortened(review.diff, title)
        else:
            yield from diff_lines(review.diff, title)

"""``squash``: one revision for many, proven to do what they do."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from gitmig.core.revisions.squashing import Part, chain, composed, kept, kept_path, old_scripts
from gitmig.errors import GitmigError, Refused, UsageError
from gitmig.facts.parallel import published_revisions
from gitmig.facts.ties import Ties
from gitmig.git.trees import Tree
from gitmig.graph import Graph
from gitmig.header import with_header
from gitmig.judging.squashed import squash_differs
from gitmig.model import Header, RevisionId, Schema, Script
from gitmig.moving.rewriting import Rewriting, plan_files
from gitmig.operations.preconditions import require_quiet, require_sound, require_written
from gitmig.operations.recover import changing
from gitmig.operations.results import MoveResult
from gitmig.operations.together import Together
from gitmig.prepared import Manner
from gitmig.project import Project
from gitmig.schema import change_digest, difference
from gitmig.schemas import Schemas
from gitmig.scripts import read_script


@dataclass(frozen=True, slots=True, kw_only=True)
class SquashOptions:
    """What the command line asked for."""

    span: str
    """``FROM..TO``: the revisions after FROM up to TO; ``..TO`` from the first on."""
    message: str | None = None
    published: bool = False
    commit: bool = True
    files_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Squash:
    """What is squashed, and what it becomes."""

    graph: Graph
    line: tuple[RevisionId, ...]
    parts: tuple[Part, ...]
    script: Script
    text: str

    @property
    def last(self) -> Script:
        """The newest of them, whose id and file the squash gets."""
        return self.parts[-1].script


def squash(project: Project, options: SquashOptions, manner: Manner) -> MoveResult:
    """Write one revision that does what several do, in their order, under the id of the last of them.

    Their scripts are kept in a file beside it, so that a database at any of them still finds its way. Raises
    Refused (nothing changed) if they are no chain, if one is published and nobody asked for that, or if the
    squash leaves another database than the chain; UsageError, UnknownRevision, Unproven, CommitFailed.
    """
    with changing(project, manner, "squash") as log:
        require_quiet(project)
        graph = project.graph()
        require_sound(project, graph)
        made = _made(project, graph, options)
        require_written(graph, made.line)
        warnings = _published(project, made.line, allowed=options.published)
        warnings += _proven(project, made)
        return replace(
            Together(
                project=project,
                log=log,
                manner=manner,
                command="squash",
                rewriting=_rewriting(project, made),
                message=f"Squash {', '.join(made.line)}",
                trailers=_trailers(made, published=bool(options.published and warnings)),
                commit=options.commit,
                files_alone=options.files_only,
                warnings=warnings,
            ).run(),
            revision=made.script.revision,
            path=made.script.path,
        )


def _made(project: Project, graph: Graph, options: SquashOptions) -> _Squash:
    start, dots, end = options.span.partition("..")
    if not dots:
        raise UsageError(f"{options.span} is no range of revisions", hint="gitmig squash FROM..TO")
    froms = graph.resolve(start) if start and start != "base" else ()
    tos = graph.resolve(end or "head")
    if len(tos) != 1 or len(froms) > 1:
        raise UsageError(f"{options.span} is no range of revisions", hint="gitmig squash FROM..TO")
    line = chain(graph, froms[0] if froms else None, tos[0])
    parts = tuple(Part(script=graph.scripts[r], text=_text(project, graph.scripts[r])) for r in line)
    message = options.message or f"Squash {parts[0].script.message} to {parts[-1].script.message}"
    text = composed(parts, message, time.strftime("%Y-%m-%d %H:%M:%S"))
    header = _header(project, graph, line)
    if header != Header():
        text = with_header(text, header)
    script = read_script(parts[-1].script.path, text)
    assert isinstance(script, Script)
    return _Squash(graph=graph, line=line, parts=parts, script=script, text=text)


def _text(project: Project, script: Script) -> str:
    try:
        return (project.top / script.path).read_text("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"{script.path} is not in UTF-8", hint=f"save {script.path} in UTF-8") from None


def _header(project: Project, graph: Graph, line: tuple[RevisionId, ...]) -> Header:
    """The record of the last of them, with what all of them change; nothing if that is not known."""
    header = graph.scripts[line[-1]].header
    if header.schema is None or header.dialect is None:
        return header
    cache = Schemas(project=project).cache
    after = cache.schema(header.schema)
    below = graph.line_parents[line[0]]
    before = graph.scripts[below[0]].header.schema if below else None
    old = cache.schema(before) if before is not None else None
    if after is not None and not below:
        old = Schema(after.dialect, after.sqlalchemy, {})
    if after is None or old is None:
        return Header()
    return replace(header, change=change_digest(difference(old, after)))


def _published(project: Project, line: tuple[RevisionId, ...], *, allowed: bool) -> tuple[str, ...]:
    held = [revision for revision in line if revision in published_revisions(project)]
    if not held:
        return ()
    if not allowed:
        raise Refused(
            f"{', '.join(held)} {'is' if len(held) == 1 else 'are'} published: others may have applied "
            f"{'it' if len(held) == 1 else 'them'}",
            hint="gitmig squash FROM..TO --published, if that is meant",
        )
    told = f"{', '.join(held)} {'is' if len(held) == 1 else 'are'} published"
    return (f"{told}: plain `alembic upgrade` stops in a database at one of the squashed revisions",)


def _trailers(made: _Squash, *, published: bool) -> dict[str, str]:
    trailers = {"Migration-Squashed": " ".join(made.script.squashes)}
    if published:
        trailers["Gitmig-allow"] = f"GM003 squashed into {made.script.revision}"
    return trailers


def _proven(project: Project, made: _Squash) -> tuple[str, ...]:
    """A warning if nothing can prove it. Raises Refused if the squash leaves another database."""
    below = made.graph.line_parents[made.line[0]]
    try:
        start = _models(project, below)
        differing = squash_differs(project, made.graph, made.line, made.script, made.text, start)
    except Refused:
        raise
    except GitmigError as error:
        return (f"nothing proves that {made.script.revision} does what they do: {error.message}",)
    if differing:
        raise Refused(
            f"{made.script.revision} would not leave what {', '.join(made.line)} leave",
            hint="squash a shorter range",
            detail="\n".join(differing),
        )
    return ()


def _models(project: Project, below: tuple[RevisionId, ...]) -> Tree | None:
    if not below:
        return None
    tie = Ties(project=project).of(below)
    if tie.models_commit is None:
        raise GitmigError(f"the models of {below[0]} are in no commit")
    return project.commit_tree(tie.models_commit)


def _rewriting(project: Project, made: _Squash) -> Rewriting:
    path = made.script.path
    kept_before = [kept_path(part.script.path) for part in made.parts if part.script.squashes]
    older: dict[RevisionId, dict[str, str]] = {}
    for each in kept_before:
        older |= old_scripts((project.top / each).read_bytes())
    contents = {kept_path(path): kept(made.parts, older), path: made.text.encode("utf-8")}
    gone = [*(part.script.path for part in made.parts), *kept_before]
    return plan_files(
        project,
        {made.script.revision: path},
        contents,
        [each for each in gone if each not in contents],
    )

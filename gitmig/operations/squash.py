"""``squash``: one revision for many, proven to do what they do."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header, with_header
from gitmig.core.revisions.scripts import Script, read_script
from gitmig.core.revisions.squashing import (
    Part,
    chain,
    composed,
    kept,
    kept_path,
    old_scripts,
    squashed_by,
)
from gitmig.core.schema.facets import Schema, change_digest, difference
from gitmig.drafting.squashing import drafted_squash
from gitmig.drafting.together import Together
from gitmig.errors import GitmigError, Refused, UsageError
from gitmig.facts.parallel import published_revisions
from gitmig.facts.schemas import Schemas
from gitmig.facts.ties import Ties
from gitmig.git.trees import Tree
from gitmig.judging.squashed import squash_differs
from gitmig.moving.plans import MoveResult, RunOptions
from gitmig.moving.preconditions import require_quiet, require_sound, require_written
from gitmig.moving.rewriting import Rewriting, plan_files
from gitmig.project.project import Project
from gitmig.recovery.command import command_session
from gitmig.wire.values import RevisionId


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
    """What is squashed, and what it may become."""

    graph: Graph
    line: tuple[RevisionId, ...]
    parts: tuple[Part, ...]
    texts: tuple[str, ...]
    """The scripts to be tried: what the models' difference makes of it, and the old bodies as they are."""

    @property
    def scripts(self) -> tuple[Script, ...]:
        """The old ones, oldest first. The squash gets the id and the file of the last."""
        return tuple(part.script for part in self.parts)

    @property
    def path(self) -> str:
        """Its file."""
        return self.parts[-1].script.path

    @property
    def revision(self) -> RevisionId:
        """Its id."""
        return self.line[-1]


def squash(project: Project, options: SquashOptions, run_options: RunOptions) -> MoveResult:
    """Write one revision that does what several do, in their order, under the id of the last of them.

    Their scripts are kept in a file beside it, so that a database at any of them still finds its way. Raises
    Refused (nothing changed) if they are no chain, if one is published and nobody asked for that, or if the
    squash leaves another database than the chain; UsageError, UnknownRevision, Unproven, CommitFailed.
    """
    with command_session(project, run_options, "squash") as log:
        require_quiet(project)
        graph = project.graph()
        require_sound(project, graph)
        made = _made(project, graph, options)
        require_written(graph, made.line)
        warnings = _published(project, made.line, allowed=options.published)
        trailers = _trailers(made, published=bool(options.published and warnings))
        text, unproven = _proven(project, made)
        result = Together(
            project=project,
            log=log,
            run_options=run_options,
            command="squash",
            rewriting=_rewriting(project, made, text),
            message=f"Squash {', '.join(made.line)}",
            trailers=trailers,
            commit=options.commit,
            files_alone=options.files_only,
            warnings=(*warnings, *unproven),
        ).run()
        return replace(result, revision=made.revision, path=made.path)


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
    old = tuple(part.script for part in parts)
    message = options.message or f"Squash {old[0].message} to {old[-1].message}"
    header = _header(project, graph, line)
    created = time.strftime("%Y-%m-%d %H:%M:%S")
    texts = [composed(parts, old, message, created)]
    drafted = drafted_squash(project, graph, parts, message, created)
    if drafted is not None:
        texts = [drafted, *texts]
    if header != Header():
        texts = [with_header(text, header) for text in texts]
    return _Squash(graph=graph, line=line, parts=parts, texts=tuple(texts))


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
    published = f"{', '.join(held)} {'is' if len(held) == 1 else 'are'} published"
    return (f"{published}: plain `alembic upgrade` stops in a database at one of the squashed revisions",)


def _trailers(made: _Squash, *, published: bool) -> dict[str, str]:
    trailers = {"Migration-Squashed": " ".join(squashed_by(made.scripts))}
    if published:
        trailers["Gitmig-allow"] = f"GM003 squashed into {made.revision}"
    return trailers


def _proven(project: Project, made: _Squash) -> tuple[str, tuple[str, ...]]:
    """The first text that does what the old ones do, and a warning if nothing can prove it.

    Raises Refused if each leaves another database.
    """
    below = made.graph.line_parents[made.line[0]]
    differing: tuple[str, ...] = ()
    reason = ""
    for text in made.texts:
        script = read_script(made.path, text)
        if not isinstance(script, Script):
            continue
        try:
            differing = squash_differs(project, made.graph, made.line, script, text, _models(project, below))
        except GitmigError as error:
            reason = error.message
            continue
        if not differing:
            return text, ()
    if differing:
        raise Refused(
            f"{made.revision} would not leave what {', '.join(made.line)} leave",
            hint="squash a shorter range",
            detail="\n".join(differing),
        )
    return made.texts[-1], (f"nothing proves that {made.revision} does what they do: {reason}",)


def _models(project: Project, below: tuple[RevisionId, ...]) -> Tree | None:
    if not below:
        return None
    tie = Ties(project=project).of(below)
    if tie.models_commit is None:
        raise GitmigError(f"the models of {below[0]} are in no commit")
    return project.commit_tree(tie.models_commit)


def _rewriting(project: Project, made: _Squash, text: str) -> Rewriting:
    path = made.path
    kept_before = [kept_path(part.script.path) for part in made.parts if part.script.squashes]
    older: dict[RevisionId, dict[str, str]] = {}
    for each in kept_before:
        older |= old_scripts((project.top / each).read_bytes())
    contents = {kept_path(path): kept(made.parts, older), path: text.encode("utf-8")}
    gone = [*(part.script.path for part in made.parts), *kept_before]
    return plan_files(
        project,
        {made.revision: path},
        contents,
        [each for each in gone if each not in contents],
    )

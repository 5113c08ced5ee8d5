"""``backport``: a revision of another line copied to this one, which that line recognises later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gitmig.applied.elsewhere import Elsewhere, Origin, find_scripts
from gitmig.core.plan import common_revisions
from gitmig.core.revisions.backports import copied, copy_path, heads_to_follow, missing_for, recorded
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header
from gitmig.core.revisions.scripts import Script, read_script_bytes
from gitmig.core.schema.facets import FacetChange, Schema, change_digest, difference, digest, render
from gitmig.drafting.material import changed_paths, new_id
from gitmig.drafting.together import Together
from gitmig.errors import Declined, GitmigError, Refused, UnknownRevision
from gitmig.facts.schemas import Schemas
from gitmig.facts.ties import Ties, models_digest
from gitmig.git.commits import info_of
from gitmig.git.temporary import temporary_folder
from gitmig.judging.proof import Case, prove
from gitmig.moving.plans import MoveResult, RunOptions
from gitmig.moving.preconditions import require_quiet, require_sound
from gitmig.moving.rewriting import Rewriting, plan_files
from gitmig.project.graphs import read_graph
from gitmig.project.project import Project
from gitmig.recovery.command import command_session
from gitmig.wire.values import CommitId, RevisionId, short


@dataclass(frozen=True, slots=True, kw_only=True)
class BackportOptions:
    """What the command line asked for."""

    revision: str
    onto: str | None = None
    commit: bool = True
    files_only: bool = False


def backport(project: Project, options: BackportOptions, run_options: RunOptions) -> MoveResult:
    """Copy a revision of another branch on top of this one, under an id of its own, prove it and commit it.

    The models of the work tree must have its change; they are committed with it. Raises UnknownRevision;
    Refused (nothing changed) if it is here already, if something that it needs is not, or if it does not lead
    to these models; MigrationFailed, CommitFailed.
    """
    with command_session(project, run_options, "backport") as log:
        require_quiet(project)
        project.require_models()
        graph = project.graph()
        require_sound(project, graph)
        _require_checked_out(project, options)
        found = _found(project, graph, options.revision)
        _require_read(run_options, found)
        revision = new_id(graph)
        theirs = project.commit_tree(found.commit)
        parents = heads_to_follow(found.script, graph, project.graph(theirs))
        original = theirs.read(found.script.path) or b""
        data = copied(found.script, original, revision, graph, parents)
        path = copy_path(found.script, revision, project.configuration.folder_after(parents, graph))
        header, warnings = _proven(project, graph, found, path, data)
        data = recorded(data, header)
        result = Together(
            project=project,
            log=log,
            run_options=run_options,
            command="backport",
            rewriting=_rewriting(project, revision, path, data),
            message=f"Backport {found.script.revision}: {found.script.message}",
            trailers={"Migration-Revision": revision, "Backport-of": found.script.revision},
            commit=options.commit,
            files_alone=options.files_only,
            also=_models(project),
            warnings=(*warnings, _of_plain_alembic(found.script.revision, revision)),
        ).run()
        return replace(result, revision=revision, path=path)


def _of_plain_alembic(original: RevisionId, copy: RevisionId) -> str:
    """What it does in a database that has the copy."""
    return (
        f"plain `alembic upgrade` of a line that has {original} stops in a database that has {copy}; "
        f"gitmig marks {original} as applied there"
    )


def _require_checked_out(project: Project, options: BackportOptions) -> None:
    git = project.git
    if options.onto is not None and git.resolve(options.onto) != git.head():
        raise Refused(
            f"{options.onto} is not checked out",
            hint=f"gitmig switch {options.onto}, then: gitmig backport {options.revision}",
        )


def _found(project: Project, graph: Graph, named: str) -> Elsewhere:
    copies = {script.backport_of: script.revision for script in graph.scripts.values() if script.backport_of}
    wanted = RevisionId(named)
    if wanted in graph.scripts or wanted in copies:
        here = copies.get(wanted, wanted)
        raise Refused(
            f"this line has {wanted} already" + (f": {here}" if here != wanted else ""), hint="gitmig log"
        )
    versions = find_scripts(project.git, [wanted], project.configuration.versions).get(wanted, ())
    if not versions:
        raise UnknownRevision(f"no branch here has a revision {named!r}", hint="git fetch")
    return versions[0]


def _require_read(run_options: RunOptions, found: Elsewhere) -> None:
    """A script that was only fetched is shown, and a person has to agree."""
    if found.origin is not Origin.FETCHED or run_options.dry_run:
        return
    look = f"git show {short(found.commit)}:{found.script.path}"
    if not run_options.prompter.present:
        raise Refused(
            f"the script of {found.script.revision} was only fetched: it is not run without a question",
            hint=f"{look}; then answer on a terminal, without --yes",
        )
    if not run_options.prompter.confirm(f"{found.script.revision} was only fetched ({look}). Go on?"):
        raise Declined("nothing was changed")


def _changes(project: Project, found: Elsewhere) -> tuple[FacetChange, ...] | None:
    """What the revision changes on its own line; None if the models there do not tell."""
    ties = Ties(project=project, at=found.commit)
    schemas = Schemas(project=project)
    tie = ties.all().get(found.script.revision)
    if tie is None or tie.models_commit is None:
        return None
    below: CommitId | None = None
    if len(project.graph(project.commit_tree(found.commit)).heads) > 1:
        # The models of what it follows may lack what other permanent branches brought meanwhile.
        below = next(iter(info_of(project.git, tie.models_commit).parents), None)
    elif found.script.down_revisions:
        below = ties.of(found.script.down_revisions).models_commit
    if below is None and found.script.down_revisions:
        return None
    try:
        new = schemas.of(project.commit_tree(tie.models_commit))
        old = Schema(new.dialect, new.sqlalchemy, {})
        if below is not None:
            old = schemas.of(project.commit_tree(below))
    except GitmigError:
        return None
    return difference(old, new)


def _proven(
    project: Project, graph: Graph, found: Elsewhere, path: str, data: bytes
) -> tuple[Header, tuple[str, ...]]:
    """The record of the copy, and what nothing can prove. Raises Refused."""
    schemas, git = Schemas(project=project), project.git
    head = git.head()
    assert head is not None
    before, now = schemas.of(project.commit_tree(head)), schemas.of(project.work_tree)
    changes = _changes(project, found)
    missing = missing_for(changes, before) if changes is not None else ()
    if missing:
        names = ", ".join(f"{key.table}.{key.name}" if key.name else f"table {key.table}" for key in missing)
        raise Refused(
            f"{found.script.revision} needs {names}, which this line does not have",
            hint=f"gitmig log on {short(found.commit)} has the revision that brings it: backport that first",
        )
    if changes is not None and change_digest(changes) != change_digest(difference(before, now)):
        raise Refused(
            f"the models here do not have the change of {found.script.revision}, or have more",
            hint=f"git show {short(found.commit)} -- {' '.join(project.models)} | git apply --3way, "
            f"then: gitmig backport {found.script.revision}",
            detail="\n".join(render(change) for change in difference(before, now)) or None,
        )
    verdicts = [_here(project, graph, path, data, schemas), _there(project, graph, found, schemas)]
    if verdicts[0] is not None and verdicts[0][1]:
        raise Refused(
            f"{found.script.revision} does not take this line to its models",
            detail="\n".join(render(change) for change in verdicts[0][1]),
            hint=f"write a revision of its own: gitmig revise -m {found.script.message!r}",
        )
    doubts = tuple(f"nothing proves it from {verdict[0]}" for verdict in verdicts if verdict is not None)
    header = Header(
        models=models_digest(project, project.work_tree),
        dialect=now.dialect,
        sqlalchemy=now.sqlalchemy,
        schema=digest(now),
        change=change_digest(difference(before, now)),
    )
    proven_here = verdicts[0] is None
    return header if proven_here else Header(), doubts


_Doubt = tuple[str, tuple[FacetChange, ...]]


def _here(project: Project, graph: Graph, path: str, data: bytes, schemas: Schemas) -> _Doubt | None:
    """What speaks against the copy on this line; None if it is proven."""
    head = project.git.head()
    assert head is not None
    with temporary_folder() as folder:
        file = folder.path / Path(path).name
        file.write_bytes(data)
        script = read_script_bytes(str(file), data)
        assert isinstance(script, Script)
        case = Case(
            old=project.commit_tree(head),
            new=project.work_tree,
            start=graph.heads,
            graph=Graph.of([*graph.scripts.values(), script]),
            steps=(script.revision,),
        )
        verdict = prove(project, case, schemas)
    return None if verdict.proven else (f"this line: {verdict.reason}", verdict.changes)


def _there(project: Project, graph: Graph, found: Elsewhere, schemas: Schemas) -> _Doubt | None:
    """What speaks against marking the original, in a database that has the copy."""
    tree = project.commit_tree(found.commit)
    theirs = read_graph(tree, project.configuration)
    common = common_revisions(graph, theirs)
    if not common.issuperset(graph.scripts):
        return "the line of the original: this line has revisions that are not there", ()
    case = Case.beyond(common, old=project.work_tree, new=tree, graph=theirs)
    verdict = prove(project, replace(case, idle=(found.script.revision,)), schemas)
    if verdict.proven:
        return None
    return f"the line of the original: {verdict.reason or 'it leads to other models'}", ()


def _models(project: Project) -> tuple[str, ...]:
    """The files of the models that differ from HEAD."""
    schemas = Schemas(project=project)
    return changed_paths(project, project.work_tree, schemas.computed(project.work_tree).manifest)


def _rewriting(project: Project, revision: RevisionId, path: str, data: bytes) -> Rewriting:
    return plan_files(project, {revision: path}, {path: data}, ())

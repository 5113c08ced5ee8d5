"""``tie``: records in a revision which models it was made for, after proving that it leads there."""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import render
from gitmig.core.ties import Tie, TieState
from gitmig.drafting.commit import rewritten
from gitmig.errors import Declined, Refused, Unproven
from gitmig.facts.ties import Ties
from gitmig.git import commits, publication
from gitmig.git.trees import Tree
from gitmig.judging.cases import cases_for, header_of
from gitmig.judging.proof import Verdict, prove_one
from gitmig.moving.plans import RunOptions
from gitmig.moving.preconditions import require_sound, require_written
from gitmig.project.project import Project
from gitmig.project.staging import chosen_tree
from gitmig.recovery.command import command_session
from gitmig.wire.values import CommitId, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Tied:
    """What was recorded, or (``done`` False) would be."""

    script: Script
    header: Header
    proven: bool
    done: bool
    changed: bool
    """Whether the script did not hold this record already."""
    models_commit: CommitId | None
    """Whose models they are; None: those that are not committed yet."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """The models that a revision was made for, and where it starts."""

    tree: Tree
    parent: CommitId | None
    commit: CommitId | None = None
    introduced: CommitId | None = None


def tie(project: Project, target: str, run_options: RunOptions, *, trust: bool = False) -> Tied:
    """Prove a revision of the work tree and record its models and schema; the file's other bytes stay.

    An uncommitted revision was made for the models of the work tree (or of the index, if they are staged
    in part), a committed one for those of its tie. ``trust`` records what nothing can prove, never what is
    disproven. Raises UnknownRevision; Refused if the revision leads elsewhere, or its models are in no
    commit; Unproven, Declined, and ProjectCodeError if the models do not import.
    """
    project.require_models()
    with command_session(project, run_options, "tie"):
        graph = project.graph()
        require_sound(project, graph)
        script = _script(graph, target)
        require_written(graph, [script.revision])
        made = _made(project, graph, script, run_options)
        case, verdict = prove_one(project, cases_for(project, script, made.tree, made.parent))
        warnings = _settled(script, verdict, run_options, trust)
        header = header_of(project, case)
        if not run_options.dry_run:
            _write(project, script, header)
        published = made.introduced is not None and publication.is_published(
            project.git, made.introduced, project.settings.published
        )
        if published:
            warnings += (f"{script.revision} is published: its docstring alone changes",)
        return Tied(
            script=script,
            header=header,
            proven=verdict.proven,
            done=not run_options.dry_run,
            changed=header != script.header,
            models_commit=made.commit,
            warnings=warnings,
        )


def _script(graph: Graph, target: str) -> Script:
    found = graph.resolve(target)
    if len(found) != 1:
        raise Refused(f"{target} is not one revision", hint="gitmig log")
    return graph.scripts[found[0]]


def _made(project: Project, graph: Graph, script: Script, run_options: RunOptions) -> _Made:
    revision, head = script.revision, project.git.head()
    found = Ties(project=project).settled((revision,)) if head is not None else None
    if found is None or found.state is TieState.UNCOMMITTED:
        _require_last(graph, revision)
        return _Made(tree=chosen_tree(project, run_options.prompter, project.models), parent=head)
    return _made_in(project, found)


def _made_in(project: Project, tie: Tie) -> _Made:
    if tie.models_commit is None:
        raise Refused(
            f"the models of {tie.revision} are in no commit: there is nothing to tie it to",
            hint="gitmig log",
        )
    if tie.introduced is None:
        raise Refused(
            f"the commit that brought {tie.revision} is not in this clone", hint="git fetch --unshallow"
        )
    parents = commits.info_of(project.git, tie.introduced).parents
    return _Made(
        tree=project.commit_tree(tie.models_commit),
        parent=parents[0] if parents else None,
        commit=tie.models_commit,
        introduced=tie.introduced,
    )


def _require_last(graph: Graph, revision: RevisionId) -> None:
    later = [r for r in graph.topological(graph.descendants([revision])) if r != revision]
    if later:
        raise Refused(
            f"the models in the work tree are those of {later[-1]}, which follows {revision}",
            hint=f"commit {revision} with its own models first, or: gitmig tie {later[-1]}",
        )


def _settled(script: Script, verdict: Verdict, run_options: RunOptions, trust: bool) -> tuple[str, ...]:
    """Warnings; raises where the revision is not to be recorded."""
    revision = script.revision
    if verdict.changes:
        raise Refused(
            f"the revision {revision} does not take the database to its models",
            hint=f"correct {script.path}, then: gitmig tie {revision}",
            detail="\n".join(render(change) for change in verdict.changes),
        )
    if verdict.reason is None:
        return ()
    if not trust:
        raise Unproven(
            f"nothing proves that {revision} takes the database to its models: {verdict.reason}",
            hint=f"compare {script.path} with the models, then: gitmig tie {revision} --trust",
        )
    prompter = run_options.prompter
    question = f"Nothing proves {revision}: {verdict.reason}. Record it all the same?"
    if prompter.present and not (prompter.agreed or run_options.dry_run) and not prompter.confirm(question):
        raise Declined("nothing was changed")
    return (f"recorded without proof: {verdict.reason}",)


def _write(project: Project, script: Script, header: Header) -> None:
    try:
        rewritten(project.top / script.path, header)
    except UnicodeDecodeError:
        raise Refused(f"{script.path} is not in UTF-8", hint=f"save {script.path} in UTF-8") from None
    project.forget()

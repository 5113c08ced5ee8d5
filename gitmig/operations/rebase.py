"""``rebase``: this branch's unpublished revisions on top of what the other side added."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitmig.core.findings import on_top_by_hand
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.numbering import numbered_names, renamed, renumbered
from gitmig.core.revisions.rewriting import Identity
from gitmig.drafting.together import Together, nothing_to_do, operation_of
from gitmig.errors import GitmigError, Refused, UsageError
from gitmig.facts.parallel import Parallel, common_commit, parallel_here, parallel_refs
from gitmig.judging.orders import Commuting, judge_parallel
from gitmig.judging.rebased import Records, records_of
from gitmig.moving.plans import MoveResult, RunOptions
from gitmig.moving.preconditions import require_quiet
from gitmig.moving.rewriting import Rewrite, plan_rewriting
from gitmig.operations.sync import moved_to_checkout
from gitmig.project.head_file import head_path
from gitmig.project.project import Project
from gitmig.recovery.command import command_session
from gitmig.state.journal import Logbook
from gitmig.wire.values import CommitId, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class RebaseOptions:
    """What the command line asked for."""

    revisions: tuple[str, ...] = ()
    onto: str | None = None
    commit: bool = True
    database_only: bool = False
    files_only: bool = False
    fix: bool = False
    """For a bot: the files alone, and only if nothing has to be decided."""


def rebase(project: Project, options: RebaseOptions, run_options: RunOptions) -> MoveResult:
    """Put revisions on top of others: their files, their records, and the database that has them.

    Raises Refused (nothing changed) if they are published, if the two sides do not commute (GM009) and nobody
    named which go on top, or if they do not lead to the models of both; MigrationFailed (nothing changed),
    CommitFailed (database and files stay), UnknownRef, UnknownRevision.
    """
    _require_one_half(options)
    with command_session(project, run_options, "rebase") as log:
        if options.database_only:
            require_quiet(project)
            return replace(moved_to_checkout(project, log, run_options), command="rebase")
        git_is_at = operation_of(project)
        onto = _not_merged(project, options)
        if onto is not None:
            return _merged_first(project, log, options, run_options, onto)
        parallel = _parallel(project, options)
        if parallel is None:
            return nothing_to_do(project, "rebase")
        return _Rebasing(project, log, options, run_options, parallel, git_is_at).run()


def _require_one_half(options: RebaseOptions) -> None:
    if options.database_only and (options.files_only or options.fix):
        other = "--fix" if options.fix else "--files-only"
        raise UsageError(f"--database-only and {other} exclude each other", hint="gitmig rebase --help")
    if options.fix and not options.commit:
        raise UsageError("--fix and --no-commit exclude each other", hint="gitmig rebase --help")


def _parallel(project: Project, options: RebaseOptions) -> Parallel | None:
    graph = project.graph()
    named = [revision for target in options.revisions for revision in graph.resolve(target)]
    onto = project.git.resolve(options.onto) if options.onto is not None else None
    return parallel_here(project, named=named, onto=onto)


def _not_merged(project: Project, options: RebaseOptions) -> CommitId | None:
    """The commit that ``--onto`` names, if it has not come into this branch yet."""
    git = project.git
    head = git.head()
    if options.onto is None or head is None:
        return None
    onto = git.resolve(options.onto)
    return onto if all(git.commits_not_in(onto, one) for one in (head, *git.merge_heads())) else None


def require_merged(project: Project, onto: str | None) -> None:
    """Raise Refused if ``--onto`` is not merged: of several environments, none can make the merge for all."""
    if onto is not None and _not_merged(project, RebaseOptions(onto=onto)) is not None:
        raise Refused(
            f"{onto} is not merged, and several environments have revisions on both sides",
            hint=f"git merge {onto}, then: gitmig rebase",
        )


def _merged_first(
    project: Project, log: Logbook, options: RebaseOptions, run_options: RunOptions, onto: CommitId
) -> MoveResult:
    """Begin the merge of ``--onto``, and rebase in the middle of it. Whatever fails takes the merge back."""
    git = project.git
    require_quiet(project)
    head = git.head()
    assert head is not None
    assert options.onto is not None
    common_commit(project, options.onto, "HEAD")
    # The head file conflicts whenever both sides add a revision: it is written again.
    expected = git.merge_conflicts(head, onto)
    conflicts = [path for path in expected if path != head_path(project)]
    if conflicts:
        raise Refused(
            f"merging {options.onto} conflicts in {', '.join(conflicts)}",
            hint=f"git merge {options.onto}, then in the middle of it: gitmig rebase",
        )
    parallel = parallel_refs(project, head, onto, onto=options.onto)
    if parallel is None:
        return nothing_to_do(project, "rebase")
    planned = _Rebasing(project, log, options, run_options, parallel, "merge", base=parallel.code.commit)
    if run_options.dry_run:
        return planned.run()
    planned.require_commuting()
    git.begin_merge(options.onto, conflicts=bool(expected))
    project.forget()
    try:
        merging = _parallel(project, options)
        assert merging is not None
        return _Rebasing(project, log, options, run_options, merging, "merge").run()
    except GitmigError as error:
        if not error.unsettled:
            git.abort_merge()
            project.forget()
        raise


class _Rebasing:
    """One rebase, from the judgement to the commit."""

    def __init__(
        self,
        project: Project,
        log: Logbook,
        options: RebaseOptions,
        run_options: RunOptions,
        parallel: Parallel,
        operation: str | None,
        base: CommitId | None = None,
    ):
        self._project = project
        self._log = log
        self._options = options
        self._run_options = run_options
        self._parallel = parallel
        self._operation = operation
        self._base = base
        # The head file conflicts whenever there are two heads: it is written again.
        self._conflict = bool(set(project.git.unmerged()) - {head_path(project)})
        self._warnings: tuple[str, ...] = ()

    @property
    def _files_alone(self) -> bool:
        """Whether the database stays: git is half-way, and it follows when that is done."""
        half_way = self._conflict or self._operation == "rebase"
        return half_way or self._options.files_only or self._options.fix

    def run(self) -> MoveResult:
        _require_numbers(self._parallel)
        commuting = self.require_commuting()
        records = records_of(self._project, self._parallel, commuting, importable=not self._conflict)
        if self._options.fix and not records.proven:
            raise Refused(records.warnings[0], hint="gitmig rebase, on a checkout of the merge")
        self._warnings += (*records.warnings, *_pushed(self._project, self._parallel))
        found = self._parallel.sides
        ours = ", ".join(found.ours)
        return Together(
            project=self._project,
            log=self._log,
            run_options=self._run_options,
            command="rebase",
            rewriting=plan_rewriting(self._project, rewrites(self._parallel, records)),
            message=f"Put {ours} on top of {', '.join(found.onto)}",
            trailers={"Migration-Rebased": ours},
            operation=self._operation,
            commit=self._options.commit,
            files_alone=self._files_alone,
            base=self._base,
            warnings=self._warnings,
        ).run()

    def require_commuting(self) -> Commuting:
        """Raise Refused (GM009), unless a person named what goes on top: then the proof decides."""
        commuting = judge_parallel(self._project, self._parallel)
        ours, theirs = self._parallel.sides.ours, self._parallel.sides.theirs
        if commuting.commute is None and self._options.fix:
            raise Refused(
                f"it is not known whether {', '.join(ours)} and {', '.join(theirs)} commute: "
                f"{commuting.reason}",
                hint="gitmig rebase, on a checkout of the merge",
            )
        if commuting.commute is not False:
            return commuting
        names = f"{', '.join(ours)} and {', '.join(theirs)} do not commute"
        if self._options.revisions:
            self._warnings = (f"GM009: {names}",)
            return commuting
        script = self._parallel.graph.scripts[ours[0]]
        raise Refused(
            f"GM009: {names}",
            hint=commuting.hint or on_top_by_hand(script, ours, theirs),
            detail="\n".join(commuting.lines),
        )


def rewrites(parallel: Parallel, records: Records) -> list[Rewrite]:
    """What becomes of the files of ours, the first of them last: it decides whether all is done."""
    graph, found = parallel.graph, parallel.sides
    ids = _new_ids(graph, found.ours)
    paths = {revision: script.path for revision, script in graph.scripts.items()}
    names = {} if ids or parallel.as_written else numbered_names(_oldest_first(graph, paths), found.ours)
    made = []
    for revision in found.ours:
        parents = found.parents.get(revision, graph.scripts[revision].down_revisions)
        script = parallel.as_written.get(revision, graph.scripts[revision])
        own = ids.get(revision, revision)
        made.append(
            Rewrite(
                script=script,
                identity=Identity(
                    revision=own,
                    parents=tuple(ids.get(parent, parent) for parent in parents),
                    depends_on=tuple(ids.get(RevisionId(name), name) for name in script.depends_on),
                ),
                path=names.get(revision, renamed(script.path, script.revision, own)),
                header=records.headers.get(revision),
            )
        )
    return made[::-1]


def _require_numbers(parallel: Parallel) -> None:
    """A squash keeps its number: databases that have what it squashes know that by theirs. Raises Refused."""
    ids = _new_ids(parallel.graph, parallel.sides.ours)
    for revision in parallel.sides.ours:
        script = parallel.as_written.get(revision, parallel.graph.scripts[revision])
        if script.squashes and ids.get(revision, revision) != script.revision:
            raise Refused(
                f"{script.revision} is a squash, and would need another number",
                hint="git revert its commit, then: gitmig rebase, and squash again",
            )


def _new_ids(graph: Graph, ours: tuple[RevisionId, ...]) -> dict[RevisionId, RevisionId]:
    paths = {revision: script.path for revision, script in graph.scripts.items()}
    return renumbered(paths, ours, [revision for revision in paths if revision not in ours])


def _oldest_first(graph: Graph, paths: dict[RevisionId, str]) -> dict[RevisionId, str]:
    return {revision: paths[revision] for revision in graph.topological()}


def _pushed(project: Project, parallel: Parallel) -> tuple[str, ...]:
    """What other clones will see that have one of ours as it was."""
    git = project.git
    out = git.git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/remotes/")
    ours = frozenset(parallel.sides.ours)
    for line in out.decode("utf-8", "replace").splitlines():
        name, _, commit = line.rpartition(" ")
        held = ours & frozenset(project.graph(project.commit_tree(CommitId(commit))).scripts)
        if held:
            names = ", ".join(revision for revision in parallel.sides.ours if revision in held)
            return (f"{name} has {names}: databases elsewhere that have it follow with gitmig sync",)
    return ()

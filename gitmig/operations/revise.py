"""``revise``: draft a revision from what the models changed, review it, apply it, commit both together."""

from __future__ import annotations

from dataclasses import replace

from gitmig.core.plan import Plan
from gitmig.core.revisions.programs import idle
from gitmig.core.revisions.scripts import Script
from gitmig.drafting.commit import commit_revised, note_of, stage_revised
from gitmig.drafting.draft_file import DraftFile, write_draft
from gitmig.drafting.draft_proof import DraftProof
from gitmig.drafting.drafter import DraftContext, Drafted, Drafter, ReviseOptions
from gitmig.drafting.intent import Intent, intend
from gitmig.drafting.material import Material, gather
from gitmig.drafting.old_models import old_models
from gitmig.drafting.review import Decision, Reviewed, review, unfit
from gitmig.drafting.route import through_the_draft, with_draft
from gitmig.errors import (
    Blocked,
    Declined,
    GitmigError,
    Interrupted,
    MigrationFailed,
    NoDifference,
    Refused,
    UsageError,
)
from gitmig.facts.ties import models_digest
from gitmig.git.trees import Tree
from gitmig.moving.execute import move
from gitmig.moving.plans import MoveResult, Outcome, RunOptions
from gitmig.moving.preconditions import require_committable, require_quiet, require_written
from gitmig.project.project import Project
from gitmig.project.staging import chosen_tree
from gitmig.recovery.command import command_session
from gitmig.state.journal import Logbook
from gitmig.wire.values import RevisionId


def revise(project: Project, options: ReviseOptions, run_options: RunOptions) -> MoveResult:
    """Draft a revision and, once it is agreed to, apply it and commit it with the models.

    Without a person the draft is applied only when nothing is dropped and nothing is left to decide.
    Raises NoDifference, Refused, Declined, MigrationFailed (database, index, work tree and HEAD are
    then as they were, the draft excepted), CommitFailed (database and files stay; ``git commit``
    completes it).
    """
    # The form that is applied is undone first, and what it drops comes back with the other.
    run_options = replace(run_options, park=run_options.park or options.amend)
    with command_session(project, run_options, "revise") as log:
        require_quiet(project)
        project.require_models()
        if options.commit and not options.draft and not run_options.dry_run:
            project.git.require_author()
        intent = intend(project, options.message, amend=options.amend, head=options.head)
        if _staged_by_us(project, intent):
            return _of_tree(project, log, options, run_options, intent, project.work_tree)
        tree = chosen_tree(project, run_options.prompter, project.models)
        return _of_tree(project, log, options, run_options, intent, tree)


def _of_tree(
    project: Project,
    log: Logbook,
    options: ReviseOptions,
    run_options: RunOptions,
    intent: Intent,
    tree: Tree,
) -> MoveResult:
    """The whole of ``revise`` for the models of one tree."""
    whole = tree is project.work_tree
    heads = intent.before.heads
    with project.workers.one(None if whole else tree) as worker, old_models(project, worker, heads) as old:
        material = gather(project, worker, tree, intent.before)
        _require_difference(material, intent, options)
        # A file beside the models may be staged in part too: only the import showed that it counts.
        beside = [path for path in material.paths if not _is_model(project, path)]
        asks = whole and not _staged_by_us(project, intent)
        if asks and chosen_tree(project, run_options.prompter, beside) is project.index:
            return _of_tree(project, log, options, run_options, intent, project.index)
        context = DraftContext(
            project=project,
            options=options,
            run_options=run_options,
            intent=intent,
            worker=worker,
            material=material,
            old=old,
        )
        return _Revising(context, log).run()


def _staged_by_us(project: Project, intent: Intent) -> bool:
    """Whether the staged models are those that the redone revision waits for its commit with."""
    if intent.amended is None or intent.amended.commit is not None:
        return False
    return models_digest(project, project.index) == intent.amended.script.header.models


def _is_model(project: Project, path: str) -> bool:
    return any(path == models or path.startswith(models + "/") for models in project.models)


def _require_difference(material: Material, intent: Intent, options: ReviseOptions) -> None:
    if options.empty and material.changes:
        raise Refused(
            "the models change too: a data migration is a revision of its own",
            hint="gitmig revise -m MESSAGE",
        )
    if options.empty or material.changes or material.base is None:
        return
    if intent.amended is not None:
        raise NoDifference(
            f"the models are those from before {intent.revision}: nothing is left of it to revise",
            hint="gitmig rollback --commit"
            if intent.amended.commit is not None
            else f"edit {intent.amended.script.path}; for a data migration: gitmig revise --amend --empty",
        )
    raise NoDifference(
        "the models say what the head revision was made for: there is nothing to revise "
        "(gitmig revise --empty, for a data migration)",
        hint="gitmig status",
    )


class _Revising:
    """One run of ``revise``, from the draft to the commit."""

    def __init__(self, context: DraftContext, log: Logbook):
        self.context = context
        self.project, self.material = context.project, context.material
        self.options, self.run_options = context.options, context.run_options
        self.intent = context.intent
        self.log = log
        self.drafter = Drafter(context)
        self.proof = DraftProof(context, log)
        self.notes: tuple[str, ...] = ()

    def run(self) -> MoveResult:
        drafted = self.drafter.drafted()
        self.notes = drafted.notes
        script, text = drafted.script, drafted.draft.text
        if self.run_options.dry_run:
            return self._previewed(script, text)
        if not self.options.draft:
            require_committable(self.project, note_of(self.material, script.path).paths)
        old = self.intent.amended
        file = write_draft(self.project, self.context.worker, self.log, script.path, text, old)
        try:
            file = self.proof.prove(file, drafted.doubt)
            return self._carried_out(file, drafted)
        except GitmigError as error:
            if not error.unsettled:  # else the database may have moved: recovery asks it
                self.log.remove()
            raise

    def _carried_out(self, file: DraftFile, drafted: Drafted) -> MoveResult:
        while True:
            shown = file.file.read_bytes()
            verdict = self._verdict(file, drafted)
            if verdict is not Decision.QUIT and file.file.read_bytes() != shown:
                file = self.proof.prove(file, drafted.doubt)
                if verdict is Decision.APPLY and not self._agreed_to(file, drafted):
                    continue
            match verdict:
                case Decision.APPLY:
                    return self._apply(file)
                case Decision.DRAFT:
                    return self._left(file)
                case Decision.QUIT:
                    raise self._given_up(file)

    def _agreed_to(self, file: DraftFile, drafted: Drafted) -> bool:
        """Whether what a person edited can still be applied."""
        return unfit(file, self._reviewed(file, drafted)) is None

    def _previewed(self, script: Script, text: str) -> MoveResult:
        if self.options.draft or script.open_lines:
            return self._result(script.path, script.revision, Plan(), done=False, text=text)
        outcome = self._move(script)
        return self._result(
            script.path, script.revision, outcome.plan, outcome=outcome, done=False, text=text
        )

    @property
    def _in_place(self) -> bool:
        return self.intent.amended is None or not self.drafter.applied

    def _reviewed(self, file: DraftFile, drafted: Drafted) -> Reviewed:
        return Reviewed(
            draft=drafted.draft,
            changes=self.material.changes,
            doubt=drafted.doubt,
            proof=self.proof.proof,
            commit=self.options.commit,
            way_on=f"review {file.file.name}, then: gitmig upgrade --commit"
            if self._in_place
            else "answer on a terminal: gitmig revise --amend",
        )

    def _verdict(self, file: DraftFile, drafted: Drafted) -> Decision:
        reviewed = self._reviewed(file, drafted)
        try:
            if self.options.edit:
                self.run_options.prompter.edit(file.file)
            if self.options.draft or self._unwritten(file):
                return Decision.DRAFT
            return review(self.run_options.prompter, file, reviewed)
        except (KeyboardInterrupt, Declined, UsageError):
            self._take_back(file)
            self.log.remove()
            raise
        except GitmigError:
            if not self._in_place:
                self._put_aside(file)
            raise

    def _unwritten(self, file: DraftFile) -> bool:
        """Whether it is a data migration that somebody has still to write."""
        return (
            self.options.empty
            and not self.run_options.prompter.present
            and idle(file.file.read_text("utf-8", errors="replace"))
        )

    def _take_back(self, file: DraftFile) -> None:
        kept = file.take_back()
        if kept is not None:
            self.run_options.prompter.tell(f"The draft was edited, so it stays: {kept}")

    def _put_aside(self, file: DraftFile) -> None:
        self.run_options.prompter.tell(f"The draft was put aside: {file.put_aside()}")

    def _given_up(self, file: DraftFile) -> Declined:
        self._take_back(file)
        return Declined("nothing was changed")

    def _left(self, file: DraftFile) -> MoveResult:
        script = file.script()
        if self.intent.amended is None or not self.drafter.applied:
            self._keep_old(file)
            self.log.remove()
            return self._result(file.path, script.revision, Plan(), done=False, drafted=True)
        # The database has the revision as it was: so must the file.
        kept = file.put_aside()
        self.log.remove()
        result = self._result(file.path, script.revision, Plan(), done=False)
        return replace(result, notes=(f"the draft was put aside: {kept}",))

    def _keep_old(self, file: DraftFile) -> None:
        old = self.intent.amended
        if old is not None and not old.held and old.disk != file.file.read_bytes():
            self.run_options.prompter.tell(f"The script as it was is kept: {file.keep(old.disk)}")

    def _apply(self, file: DraftFile) -> MoveResult:
        try:
            script = file.script()
            require_written(with_draft(self.project, self.intent, script), (script.revision,))
            note = self.log.journal.draft
            assert note is not None
            self.log.journal = replace(self.log.journal, draft=replace(note, new=file.file.read_bytes()))
            outcome = self._move(script)
        except BaseException as error:
            if self.intent.amended is not None and self.drafter.applied:
                self._put_aside(file)
            elif isinstance(error, Interrupted) and not (error.unsettled or error.committed or error.partial):
                self._take_back(file)
            elif isinstance(error, Blocked):
                error.hint = "gitmig upgrade --commit --ddl-lock-timeout SECONDS"
            elif isinstance(error, MigrationFailed):
                # One below it may not have been applied yet, and be what failed.
                failed = file.path if file.path in (error.detail or file.path) else "the revision"
                error.hint = f"correct {failed}, then: gitmig upgrade --commit"
            raise
        self._keep_old(file)
        script = self.proof.recorded(file, script)
        result = self._result(file.path, script.revision, outcome.plan, outcome=outcome)
        if not self.options.commit:
            stage_revised(self.project, self.log, self.material, script)
            return replace(result, staged=True)
        message = self.options.message or (None if self._amends else self.intent.message)
        made = commit_revised(self.project, self.log, self.material, script, message, amend=self._amends)
        return replace(result, commit=made)

    @property
    def _amends(self) -> bool:
        return self.intent.amended is not None and self.intent.amended.commit is not None

    def _move(self, script: Script) -> Outcome:
        paths = (*self.material.paths, script.path) if self.options.commit else ()
        return move(
            self.project.repository,
            self.context.worker,
            lambda facts: replace(
                self.proof.looked_up(through_the_draft(self.project, self.intent, script, paths, facts)),
                commit=note_of(self.material, script.path, amend=self._amends),
            ),
            self.run_options,
            self.log,
            folders=self.project.configuration.folders,
        )

    def _result(
        self,
        path: str,
        revision: RevisionId,
        plan: Plan,
        *,
        outcome: Outcome | None = None,
        text: str | None = None,
        done: bool = True,
        drafted: bool = False,
    ) -> MoveResult:
        self.project.forget()
        return replace(
            MoveResult.of("revise", outcome),
            plan=replace(plan, warnings=(*self.material.warnings, *plan.warnings)),
            done=done,
            revision=revision,
            path=path,
            changes=self.material.changes,
            text=text,
            drafted=drafted,
            notes=(*self.notes, *self.proof.doubts, *(outcome.notes if outcome else ())),
        )

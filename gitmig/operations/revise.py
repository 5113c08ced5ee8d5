"""``revise``: draft a revision from what the models changed, review it, apply it, commit both together."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace

from gitmig.core.plan import Plan
from gitmig.core.revisions.graph import in_repository
from gitmig.core.revisions.programs import idle
from gitmig.core.revisions.scripts import Script, read_script, read_script_bytes
from gitmig.core.schema.facets import FacetChange
from gitmig.drafting.answers import Named, require_filled, require_known_names
from gitmig.drafting.commit import commit_revised, note_of, rewritten, stage_revised
from gitmig.drafting.draft_file import DraftFile, record_draft, write_draft
from gitmig.drafting.intent import Intent, intend
from gitmig.drafting.material import Material, gather, header_of
from gitmig.drafting.old_models import OldModels, old_models
from gitmig.drafting.proving import Proof, prove_draft
from gitmig.drafting.proving import ProofOutcome as ProofOutcome
from gitmig.drafting.review import Decision, Reviewed, answered_fills, answered_renames, review, unfit
from gitmig.drafting.route import require_ready, through_the_draft, to_the_parent, with_draft
from gitmig.errors import (
    Blocked,
    DatabaseUnreachable,
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
from gitmig.judging.proof import Case
from gitmig.moving.attempt import tell_waiting
from gitmig.moving.execute import move
from gitmig.moving.plans import MoveResult, Outcome, PlannedMove, RunOptions
from gitmig.moving.preconditions import require_committable, require_quiet, require_written
from gitmig.project.project import Project
from gitmig.project.staging import chosen_tree
from gitmig.recovery.command import command_session
from gitmig.rpc.client import Worker
from gitmig.rpc.protocol import DatabaseFacts, Draft, MigrationRequest
from gitmig.state.journal import Logbook
from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviseOptions:
    """What the command line asked for."""

    message: str | None
    draft: bool = False
    edit: bool = False
    empty: bool = False
    commit: bool = True
    amend: bool = False
    head: str | None = None
    """The head to go on from, if there are several."""
    proof: bool = True
    renames: tuple[Named, ...] = ()
    """Table or type, old name, new name."""
    fills: tuple[Named, ...] = ()
    """Table or type, column or label, value for the rows that are there."""


def revise(project: Project, options: ReviseOptions, run_options: RunOptions) -> MoveResult:
    """Draft a revision and, once it is agreed to, apply it and commit it with the models.

    Without a person the draft is applied only when nothing is dropped and nothing is left to decide.
    Raises NoDifference, Refused, Declined, MigrationFailed (database, index, work tree and HEAD are
    then as they were, the draft excepted), CommitFailed (database and files stay; ``git commit``
    completes it).
    """
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
    with project.worker(None if whole else tree) as worker, old_models(project, worker, heads) as old:
        material = gather(project, worker, tree, intent.before)
        _require_difference(material, intent, options)
        # A file beside the models may be staged in part too: only the import showed that it counts.
        beside = [path for path in material.paths if not _is_model(project, path)]
        asks = whole and not _staged_by_us(project, intent)
        if asks and chosen_tree(project, run_options.prompter, beside) is project.index:
            return _of_tree(project, log, options, run_options, intent, project.index)
        return _Revising(project, log, options, run_options, intent, worker, material, old).run()


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
            hint="gitmig rollback --commit",
        )
    raise NoDifference(
        "the models say what the head revision was made for: there is nothing to revise "
        "(gitmig revise --empty, for a data migration)",
        hint="gitmig status",
    )


@dataclass(slots=True)
class _Revising:
    """One run of ``revise``, from the draft to the commit."""

    project: Project
    log: Logbook
    options: ReviseOptions
    run_options: RunOptions
    intent: Intent
    worker: Worker
    material: Material
    old: OldModels
    applied: bool = field(default=True, init=False)
    """Whether the database holds the revision that is redone; taken for granted until it was asked."""
    proof: Proof | None = field(default=None, init=False)
    notes: tuple[str, ...] = field(default=(), init=False)

    def run(self) -> MoveResult:
        self._look_at_database()
        draft, doubt = self._drafted()
        script, text = self._script(draft)
        if self.run_options.dry_run:
            return self._previewed(script, text)
        if not self.options.draft:
            require_committable(self.project, note_of(self.material, script.path).paths)
        old = self.intent.amended
        file = write_draft(self.project, self.worker, self.log, script.path, text, old)
        try:
            file = self._proven(file, doubt)
            return self._carried_out(file, draft, doubt)
        except GitmigError as error:
            if not error.unsettled:  # else the database may have moved: recovery asks it
                self.log.remove()
            raise

    def _carried_out(self, file: DraftFile, draft: Draft, doubt: str | None) -> MoveResult:
        while True:
            shown = file.file.read_bytes()
            verdict = self._verdict(file, draft, doubt)
            if verdict is not Decision.QUIT and file.file.read_bytes() != shown:
                file = self._proven(file, doubt)
                if verdict is Decision.APPLY and not self._agreed_to(file, draft, doubt):
                    continue
            match verdict:
                case Decision.APPLY:
                    return self._apply(file)
                case Decision.DRAFT:
                    return self._left(file)
                case Decision.QUIT:
                    raise self._given_up(file)

    def _agreed_to(self, file: DraftFile, draft: Draft, doubt: str | None) -> bool:
        """Whether what a person edited can still be applied."""
        return unfit(file, self._reviewed(file, draft, doubt)) is None

    def _look_at_database(self) -> None:
        """What keeps a draft from being made, as far as only the database knows. Raises Refused."""
        if self.options.empty or self.material.base is None:
            return
        alone = self.options.draft or (self.run_options.dry_run and self.options.draft)
        if alone and self.intent.amended is None:
            return

        def look(facts: DatabaseFacts) -> None:
            self.applied = self.intent.revision in facts.heads
            require_ready(self.project, self.intent, facts)

        try:
            self.worker.migrate(
                look,
                lambda: False,
                wait=self.run_options.wait,
                ddl_lock_timeout=self.run_options.ddl_lock_timeout,
                note=lambda note: tell_waiting(self.run_options.prompter, note),
            )
        except DatabaseUnreachable:
            if not alone:
                raise

    def _drafted(self) -> tuple[Draft, str | None]:
        """The draft, and a question about it that was left unanswered."""
        prompter = self.run_options.prompter
        for warning in self.material.warnings if prompter.present else ():
            prompter.tell(f"Warning: {warning}")
        changes = self.material.changes if self.material.base is not None else None
        renames, fills = self.options.renames, self.options.fills
        require_known_names(changes, renames, fills)
        draft = self._ask_draft(changes, renames, fills)
        if changes is None and draft.empty and not self.options.empty:
            raise NoDifference(
                "the database has what the models say: there is nothing to revise", hint="git commit"
            )
        if prompter.present:
            more = answered_renames(prompter, draft.rename_candidates)
            if more:
                renames = (*renames, *more)
                draft = self._ask_draft(changes, renames, fills)
            if draft.unfilled:
                fills = (*fills, *answered_fills(prompter, draft.unfilled))
                draft = self._ask_draft(changes, renames, fills)
        require_filled(draft.unfilled)
        self.notes = (*draft.warnings, *draft.unasked)
        return draft, None if prompter.present else self._doubt(draft)

    def _doubt(self, draft: Draft) -> str | None:
        if self.material.base is None and not self.options.empty:
            return f"the draft holds every difference of the database: {self.material.warnings[0]}"
        if draft.rename_candidates:
            table, old, new = draft.rename_candidates[0]
            return f"{table}.{old} may have been renamed to {table}.{new}, and the draft drops and adds it"
        return None

    def _ask_draft(
        self, changes: tuple[FacetChange, ...] | None, renames: tuple[Named, ...], fills: tuple[Named, ...]
    ) -> Draft:
        return self.worker.draft(
            revision=self.intent.revision,
            message=self.intent.message,
            head=self.intent.parents,
            changes=changes,
            parent=self.old.code,
            plan=self._to_the_parent,
            renames=renames,
            fills=fills,
            empty=self.options.empty,
            keep_id=self.intent.amended is not None,
            wait=self.run_options.wait,
            ddl_lock_timeout=self.run_options.ddl_lock_timeout,
            note=lambda note: tell_waiting(self.run_options.prompter, note),
        )

    def _to_the_parent(self, facts: DatabaseFacts) -> MigrationRequest:
        self.applied = self.intent.revision in facts.heads
        return to_the_parent(self.project, self.intent, facts)

    def _script(self, draft: Draft) -> tuple[Script, str]:
        old = self.intent.amended
        path = old.script.path if old else f"{self._folder()}/{draft.filename}"
        script = read_script(path, draft.text)
        if not isinstance(script, Script):
            reason = script.reason if script is not None else "it has no revision identifier"
            raise Refused(
                f"GM006: the revision identifiers of the draft cannot be read: {reason}",
                hint=f"correct {self.project.configuration.script_location}/script.py.mako",
            )
        return script, draft.text

    def _proven(self, file: DraftFile, doubt: str | None) -> DraftFile:
        """Prove the draft as it stands there; with its record, if it gets one."""
        script = read_script_bytes(file.path, file.file.read_bytes())
        if not isinstance(script, Script):
            return file  # the review says so
        self.proof = self._tried(script, doubt)
        if self.proof is not None and not self.proof.proven:
            return self._without_record(file, script)
        if script.open_lines or doubt is not None:
            return self._without_record(file, script)
        return record_draft(self.project, self.log, file, header_of(self.project, self.material))

    def _without_record(self, file: DraftFile, script: Script) -> DraftFile:
        """What a person edited is no longer what was proven."""
        if script.header.schema is None:
            return file
        return record_draft(self.project, self.log, file, None)

    def _tried(self, script: Script, doubt: str | None) -> Proof | None:
        """The proof of a draft, or None if there is nothing to prove."""
        base = self.material.base
        if base is None or self.options.empty or script.open_lines or doubt is not None:
            return None
        if not self.options.proof:
            return Proof(outcome=ProofOutcome.UNTRIED, reason="--no-proof was given")
        if self.intent.parents and not in_repository(self.intent.before, self.intent.parents):
            # What an installed package makes is in no models: the database itself is looked into.
            reason = "it follows revisions of an installed package"
            return Proof(outcome=ProofOutcome.UNTRIED, reason=reason)
        case = Case(
            old=None,
            new=self.material.tree,
            start=self.intent.parents,
            graph=with_draft(self.project, self.intent, script),
            steps=(script.revision,),
            script=script,
        )
        return prove_draft(self.worker, self.old, case, self.material.new.schema, base)

    def _folder(self) -> str:
        """Where the revision's file goes: each line may have a folder of its own."""
        scripts = [self.intent.before.scripts[parent] for parent in self.intent.parents]
        folder = posixpath.dirname(scripts[0].path) if scripts else ""
        versions = self.project.configuration.versions
        return folder if folder in versions else versions[0]

    def _previewed(self, script: Script, text: str) -> MoveResult:
        if self.options.draft or script.open_lines:
            return self._result(script.path, script.revision, Plan(), done=False, text=text)
        outcome = self._move(script)
        return self._result(
            script.path, script.revision, outcome.plan, outcome=outcome, done=False, text=text
        )

    @property
    def _in_place(self) -> bool:
        return self.intent.amended is None or not self.applied

    def _reviewed(self, file: DraftFile, draft: Draft, doubt: str | None) -> Reviewed:
        return Reviewed(
            draft=draft,
            changes=self.material.changes,
            doubt=doubt,
            proof=self.proof,
            commit=self.options.commit,
            way_on=f"review {file.file.name}, then: gitmig upgrade --commit"
            if self._in_place
            else "answer on a terminal: gitmig revise --amend",
        )

    def _verdict(self, file: DraftFile, draft: Draft, doubt: str | None) -> Decision:
        reviewed = self._reviewed(file, draft, doubt)
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
        if self.intent.amended is None or not self.applied:
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
            if self.intent.amended is not None and self.applied:
                self._put_aside(file)
            elif isinstance(error, Interrupted) and not (error.unsettled or error.committed or error.partial):
                self._take_back(file)
            elif isinstance(error, Blocked):
                error.hint = "gitmig upgrade --commit --ddl-lock-timeout SECONDS"
            elif isinstance(error, MigrationFailed):
                error.hint = f"correct {file.path}, then: gitmig upgrade --commit"
            raise
        self._keep_old(file)
        script = self._recorded(file, script)
        result = self._result(file.path, script.revision, outcome.plan, outcome=outcome)
        if not self.options.commit:
            stage_revised(self.project, self.log, self.material, script)
            return replace(result, staged=True)
        message = self.options.message or (None if self._amends else self.intent.message)
        made = commit_revised(self.project, self.log, self.material, script, message, amend=self._amends)
        return replace(result, commit=made)

    def _recorded(self, file: DraftFile, script: Script) -> Script:
        """The script with the record that it gets for what was looked up."""
        proof = self.proof
        if proof is None or proof.outcome is not ProofOutcome.UNTRIED or not self.options.proof:
            return script
        rewritten(self.project.top / file.path, header_of(self.project, self.material))
        self.proof = replace(proof, outcome=ProofOutcome.PROVEN)
        return file.script()

    @property
    def _amends(self) -> bool:
        return self.intent.amended is not None and self.intent.amended.commit is not None

    def _move(self, script: Script) -> Outcome:
        paths = (*self.material.paths, script.path) if self.options.commit else ()
        return move(
            self.project.repository,
            self.worker,
            lambda facts: replace(
                self._looked_up(through_the_draft(self.project, self.intent, script, paths, facts)),
                commit=note_of(self.material, script.path, amend=self._amends),
            ),
            self.run_options,
            self.log,
            folders=self.project.configuration.folders,
        )

    def _looked_up(self, prepared: PlannedMove) -> PlannedMove:
        """What nothing has proven is looked up before the database commits."""
        proof = self.proof
        if proof is None or proof.outcome is not ProofOutcome.UNTRIED or not self.options.proof:
            return prepared
        return replace(prepared, moves=replace(prepared.moves, difference=self.material.changes))

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
            notes=(*self.notes, *self._doubts(), *(outcome.notes if outcome else ())),
        )

    def _doubts(self) -> tuple[str, ...]:
        """What a proof left open."""
        proof = self.proof
        if proof is None or proof.proven:
            return ()
        if proof.outcome is ProofOutcome.DISPROVEN:
            return (f"the draft has no record: {proof.reason}", *proof.lines)
        return (
            f"GM007: nothing proves that {self.intent.revision} takes the database to these models: "
            f"{proof.reason}",
        )

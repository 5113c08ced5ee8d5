"""The draft of a revision: asked of the worker, with what a person answers to its questions."""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.core.revisions.scripts import Script, read_script
from gitmig.core.schema.facets import FacetChange
from gitmig.drafting.answers import Named, require_filled, require_known_names, under_new_tables
from gitmig.drafting.intent import Intent
from gitmig.drafting.material import Material
from gitmig.drafting.old_models import OldModels
from gitmig.drafting.review import answered_fills, answered_renames
from gitmig.drafting.route import require_ready, to_the_parent
from gitmig.errors import DatabaseUnreachable, NoDifference, Refused
from gitmig.moving.attempt import tell_waiting
from gitmig.moving.plans import RunOptions
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.rpc.protocol import DatabaseFacts, Draft, DraftRequest, MigrationRequest


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftContext:
    """What one run of ``revise`` drafts from, and for whom."""

    project: Project
    options: ReviseOptions
    run_options: RunOptions
    intent: Intent
    worker: Worker
    """The models as they are now."""
    material: Material
    old: OldModels
    """The models of the parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A draft, not written anywhere yet."""

    draft: Draft
    script: Script
    doubt: str | None
    """A question about it that nobody answered."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the draft itself says to a person."""
        return (*self.draft.warnings, *self.draft.unasked)


class Drafter:
    """Drafts one revision.

    Attributes:
        applied: whether the database holds the revision that is redone; True until it was asked.
    """

    def __init__(self, context: DraftContext) -> None:
        self._context = context
        self.applied = True

    def drafted(self) -> Drafted:
        """The draft. Raises Refused, NoDifference, UsageError, DatabaseUnreachable."""
        self._look_at_database()
        draft, doubt = self._drafted()
        return Drafted(draft=draft, script=self._script(draft), doubt=doubt)

    def _look_at_database(self) -> None:
        """What keeps a draft from being made, as far as only the database knows. Raises Refused."""
        if self._context.options.empty or self._context.material.base is None:
            return
        alone = self._context.options.draft
        if alone and self._context.intent.amended is None:
            return

        def look(facts: DatabaseFacts) -> None:
            self.applied = self._context.intent.revision in facts.heads
            require_ready(self._context.project, self._context.intent, facts)

        try:
            self._context.worker.migrate(
                look,
                lambda: False,
                wait=self._context.run_options.wait,
                ddl_lock_timeout=self._context.run_options.ddl_lock_timeout,
                note=lambda note: tell_waiting(self._context.run_options.prompter, note),
            )
        except DatabaseUnreachable:
            if not alone:
                raise

    def _drafted(self) -> tuple[Draft, str | None]:
        """The draft, and a question about it that was left unanswered."""
        prompter = self._context.run_options.prompter
        for warning in self._context.material.warnings if prompter.present else ():
            prompter.tell(f"Warning: {warning}")
        changes = self._context.material.changes if self._context.material.base is not None else None
        renames, fills = under_new_tables(self._context.options.renames), self._context.options.fills
        require_known_names(changes, renames, fills)
        draft = self._ask_draft(changes, renames, fills)
        if changes is None and draft.empty and not self._context.options.empty:
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
        require_filled(draft.unfilled, changes or ())
        return draft, None if prompter.present else self._doubt(draft)

    def _doubt(self, draft: Draft) -> str | None:
        if self._context.material.base is None and not self._context.options.empty:
            return f"the draft holds every difference of the database: {self._context.material.warnings[0]}"
        if draft.rename_candidates:
            table, old, new = draft.rename_candidates[0]
            return f"{table}.{old} may have been renamed to {table}.{new}, and the draft drops and adds it"
        return None

    def _ask_draft(
        self, changes: tuple[FacetChange, ...] | None, renames: tuple[Named, ...], fills: tuple[Named, ...]
    ) -> Draft:
        request = DraftRequest(
            revision=self._context.intent.revision,
            message=self._context.intent.message,
            head=self._context.intent.parents,
            changes=changes,
            renames=renames,
            fills=fills,
            empty=self._context.options.empty,
            keep_id=self._context.intent.amended is not None,
            wait=self._context.run_options.wait,
            ddl_lock_timeout=self._context.run_options.ddl_lock_timeout,
        )
        return self._context.worker.draft(
            request,
            parent=self._context.old.code,
            plan=self._to_the_parent,
            note=lambda note: tell_waiting(self._context.run_options.prompter, note),
        )

    def _to_the_parent(self, facts: DatabaseFacts) -> MigrationRequest:
        self.applied = self._context.intent.revision in facts.heads
        return to_the_parent(self._context.project, self._context.intent, facts)

    def _script(self, draft: Draft) -> Script:
        intent, configuration = self._context.intent, self._context.project.configuration
        if intent.amended:
            path = intent.amended.script.path
        else:
            path = f"{configuration.folder_after(intent.parents, intent.before)}/{draft.filename}"
        script = read_script(path, draft.text)
        if not isinstance(script, Script):
            reason = script.reason if script is not None else "it has no revision identifier"
            raise Refused(
                f"GM006: the revision identifiers of the draft cannot be read: {reason}",
                hint=f"correct {configuration.script_location}/script.py.mako",
            )
        return script

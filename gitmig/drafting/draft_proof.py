"""The proof of a draft in one run of ``revise``, and the record that it gets for it."""

from __future__ import annotations

from dataclasses import replace

from gitmig.core.revisions.graph import in_repository
from gitmig.core.revisions.scripts import Script, read_script_bytes
from gitmig.drafting.commit import rewritten
from gitmig.drafting.draft_file import DraftFile, record_draft
from gitmig.drafting.drafter import DraftContext
from gitmig.drafting.material import header_of
from gitmig.drafting.proving import Proof, ProofOutcome, prove_draft
from gitmig.drafting.route import with_draft
from gitmig.judging.proof import Case
from gitmig.moving.plans import PlannedMove
from gitmig.state.journal import Logbook


class DraftProof:
    """What is known of whether the draft does what it says.

    Attributes:
        proof: what came of it; None if nothing was to be proven.
    """

    def __init__(self, context: DraftContext, log: Logbook) -> None:
        self._context = context
        self._log = log
        self.proof: Proof | None = None

    def prove(self, file: DraftFile, doubt: str | None) -> DraftFile:
        """Prove the draft as it stands there; with its record, if it gets one."""
        script = read_script_bytes(file.path, file.file.read_bytes())
        if not isinstance(script, Script):
            return file  # the review says so
        self.proof = self._tried(script, doubt)
        if self.proof is not None and not self.proof.proven:
            return self._without_record(file, script)
        if script.open_lines or doubt is not None:
            return self._without_record(file, script)
        return record_draft(
            self._context.project, self._log, file, header_of(self._context.project, self._context.material)
        )

    def _without_record(self, file: DraftFile, script: Script) -> DraftFile:
        """What a person edited is no longer what was proven."""
        if script.header.schema is None:
            return file
        return record_draft(self._context.project, self._log, file, None)

    def _tried(self, script: Script, doubt: str | None) -> Proof | None:
        """The proof of a draft, or None if there is nothing to prove."""
        base = self._context.material.base
        if base is None or self._context.options.empty or script.open_lines or doubt is not None:
            return None
        if not self._context.options.proof:
            return Proof(outcome=ProofOutcome.UNTRIED, reason="--no-proof was given")
        if self._context.intent.parents and not in_repository(
            self._context.intent.before, self._context.intent.parents
        ):
            # What an installed package makes is in no models: the database itself is looked into.
            reason = "it follows revisions of an installed package"
            return Proof(outcome=ProofOutcome.UNTRIED, reason=reason)
        case = Case(
            old=None,
            new=self._context.material.tree,
            start=self._context.intent.parents,
            graph=with_draft(self._context.project, self._context.intent, script),
            steps=(script.revision,),
            script=script,
        )
        return prove_draft(
            self._context.worker, self._context.old, case, self._context.material.new.schema, base
        )

    def recorded(self, file: DraftFile, script: Script) -> Script:
        """The script with the record that it gets for what was looked up."""
        if not self._is_untried:
            return script
        rewritten(
            self._context.project.top / file.path, header_of(self._context.project, self._context.material)
        )
        self.proof = Proof(outcome=ProofOutcome.PROVEN)
        return file.script()

    def looked_up(self, prepared: PlannedMove) -> PlannedMove:
        """What nothing has proven is looked up before the database commits."""
        if not self._is_untried:
            return prepared
        return replace(prepared, moves=replace(prepared.moves, difference=self._context.material.changes))

    @property
    def _is_untried(self) -> bool:
        """Whether a scratch database was wanted, and there is none."""
        return (
            self.proof is not None
            and self.proof.outcome is ProofOutcome.UNTRIED
            and self._context.options.proof
        )

    @property
    def doubts(self) -> tuple[str, ...]:
        """What a proof left open."""
        proof = self.proof
        if proof is None or proof.proven:
            return ()
        if proof.outcome is ProofOutcome.DISPROVEN:
            return (f"the draft has no record: {proof.reason}", *proof.lines)
        return (
            f"GM007: nothing proves that {self._context.intent.revision} takes the database to these models: "
            f"{proof.reason}",
        )

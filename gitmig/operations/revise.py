"""``revise``: draft a revision from what the models changed, review it, apply it, commit both together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitmig.errors import NoDifference, Refused, UsageError
from gitmig.execute import Manner, Outcome, Prepared, commit_paths, move, write_text
from gitmig.graph import Graph
from gitmig.header import with_header
from gitmig.model import Action, FacetChange, Plan, Script, Step
from gitmig.operations.amending import Amended, amended
from gitmig.operations.drafting import Material, gather, header_of, new_id
from gitmig.operations.preconditions import (
    require_known,
    require_quiet,
    require_sound,
    require_under_alembic,
    require_written,
)
from gitmig.operations.recover import changing
from gitmig.operations.results import MoveResult
from gitmig.operations.review import Verdict, answered_renames, review
from gitmig.plan import commits, downgrades, upgrades, with_script
from gitmig.project import Project
from gitmig.scripts import read_script
from gitmig.staging import chosen_tree
from gitmig.worker_client import Draft, Ground, Moves, Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviseOptions:
    """What the command line asked for."""

    message: str | None
    draft: bool = False
    edit: bool = False
    empty: bool = False
    commit: bool = True
    amend: bool = False


def revise(project: Project, options: ReviseOptions, manner: Manner) -> MoveResult:
    """Draft a revision and, once it is agreed to, apply it and commit it with the models.

    Without a person the draft is applied only when nothing is dropped and nothing is left to decide.
    Raises NoDifference, Refused, Declined, MigrationFailed (database, index, work tree and HEAD are
    then as they were, the draft excepted), CommitFailed (database and files stay; ``git commit``
    completes it).
    """
    with changing(project, manner):
        return _revise(project, options, manner)


def _revise(project: Project, options: ReviseOptions, manner: Manner) -> MoveResult:
    require_quiet(project)
    project.require_models()
    if options.commit and not options.draft and not manner.dry_run:
        project.git.require_author()
    tree = chosen_tree(project, manner.person, whole=options.amend or not options.commit)
    with project.worker(None if tree is project.work_tree else tree) as worker:
        return _Revising(project, options, manner, worker, tree is project.work_tree).run(tree)


class _Revising:
    """One run of ``revise``: the graph before, and what is being made."""

    def __init__(self, project: Project, options: ReviseOptions, manner: Manner, worker: Worker, whole: bool):
        self.project = project
        self.options = options
        self.manner = manner
        self.worker = worker
        self.whole = whole
        self.graph = project.graph()
        require_sound(self.graph)
        self.amended: Amended | None = amended(project, self.graph) if options.amend else None
        if self.amended is None:
            self._require_committed_head()
        message = options.message or (self.amended.script.message if self.amended else None)
        if not message or not message.strip():
            raise UsageError("a message is missing", hint='gitmig revise -m "What changes"')
        self.message = message.strip()
        self.revision = self.amended.script.revision if self.amended else new_id(self.graph)
        self.parents = self.amended.script.down_revisions if self.amended else self.graph.heads
        self.before = self._graph_before()

    def run(self, tree: object) -> MoveResult:
        material = self._material(tree)
        draft, undecided = self._drafted(material)
        script, text = self._script(material, draft, undecided)
        if self.manner.dry_run:
            return self._result(material, script, self._planned(script, material), text=text, done=False)
        return self._reviewed(material, draft, script, text, undecided)

    def _require_committed_head(self) -> None:
        head = self.project.git.head()
        committed = self.project.graph(self.project.commit_tree(head)).scripts if head is not None else {}
        for revision in self.graph.heads:
            if revision not in committed:
                raise Refused(
                    f"the revision {revision} is not committed yet ({self.graph.scripts[revision].path})",
                    hint="gitmig upgrade --commit  (or draft it anew: gitmig revise --amend)",
                )

    def _graph_before(self) -> Graph:
        scripts = (s for s in self.graph.scripts.values() if s.revision != self.revision)
        return Graph.of(scripts)

    def _material(self, tree: object) -> Material:
        base = self.parents[0] if self.parents else None
        material = gather(self.project, self.worker, tree, self.before, base)  # type: ignore[arg-type]
        for warning in material.warnings:
            self.manner.person.tell(f"Warning: {warning}")
        if not material.changes and material.base is not None and not self.options.empty:
            raise NoDifference(
                "the models say what the head revision was made for: there is nothing to revise",
                hint="git commit  (or a data migration: gitmig revise --empty)",
            )
        return material

    def _drafted(self, material: Material) -> tuple[Draft, bool]:
        """The draft, and whether a question about it was left unanswered."""
        changes = material.changes if material.base is not None else None
        draft = self._ask_draft(changes, ())
        if not draft.rename_candidates:
            return draft, False
        if not self.manner.person.present:
            return draft, True
        renames = answered_renames(self.manner.person, draft.rename_candidates)
        return (self._ask_draft(changes, renames) if renames else draft), False

    def _ask_draft(
        self, changes: Sequence[FacetChange] | None, renames: Sequence[tuple[str, str, str]]
    ) -> Draft:
        return self.worker.draft(
            self._moves_before,
            revision=self.revision,
            message=self.message,
            head=self.parents,
            changes=changes,
            renames=renames,
            empty=self.options.empty,
            wait=self.manner.wait,
        )

    def _checked(self, ground: Ground) -> None:
        require_known(self.graph, ground.heads, ground.database)
        require_under_alembic(ground, self.graph)

    def _moves_before(self, ground: Ground) -> Moves:
        """To the state that the draft starts from: the parent's, whatever the database holds."""
        self._checked(ground)
        downs = (self.revision,) if self.revision in ground.heads else ()
        after = self.graph.after(ground.heads, downs, ())
        ups = self.before.upgrade_path(after, self.parents)
        require_written(self.graph, ups)
        return Moves(
            graphs=(tuple(self.graph.scripts.values()),),
            roots=(self.project.top,),
            steps=tuple((step, 0) for step in (*downgrades(downs), *upgrades(ups))),
            expect=self.graph.after(ground.heads, downs, ups),
        )

    def _script(self, material: Material, draft: Draft, undecided: bool) -> tuple[Script, str]:
        path = (
            self.amended.script.path
            if self.amended
            else f"{self.project.configuration.versions[0]}/{draft.filename}"
        )
        text = draft.text
        if not draft.uncovered and not undecided:
            text = with_header(text, header_of(self.project, material))
        return _parsed(path, text), text

    def _reviewed(
        self, material: Material, draft: Draft, script: Script, text: str, undecided: bool
    ) -> MoveResult:
        file = self.project.top / script.path
        written = self._write(file, text)
        if self.options.edit:
            self.manner.person.edit(file)
        verdict = review(self.manner.person, self.options.draft, file, draft, material.changes, undecided)
        if verdict is Verdict.QUIT:
            self._take_back(file, written)
            return self._result(material, script, Plan(), done=False)
        script = _parsed(script.path, file.read_text("utf-8"))
        if verdict is Verdict.DRAFT:
            return self._result(material, script, Plan(), done=False, drafted=True)
        return self._apply(material, script, file)

    def _write(self, file: Path, text: str) -> str:
        """Write the draft and run the project's own formatters on it. Returns what stands there then."""
        write_text(file, text)
        self.worker.format(file)
        return file.read_text("utf-8")

    def _take_back(self, file: Path, written: str) -> None:
        if file.read_text("utf-8") != written:
            return  # a person edited it: it is theirs now
        if self.amended is not None:
            write_text(file, self.amended.text)
        else:
            file.unlink()

    def _apply(self, material: Material, script: Script, file: Path) -> MoveResult:
        require_written(Graph.of((script,)), (script.revision,))
        after = with_script(self.before, script)
        try:
            outcome = move(
                self.project.repository,
                self.worker,
                lambda ground: self._prepared(ground, after, material),
                self.manner,
                command="revise",
            )
        except BaseException:
            if self.amended is not None:
                self._set_aside(file)
            raise
        return self._commit(material, script, outcome)

    def _set_aside(self, file: Path) -> None:
        """The database still has the revision as it was committed: so must the file."""
        assert self.amended is not None
        kept = self.project.git.private() / "drafts" / file.name
        write_text(kept, file.read_text("utf-8"))
        write_text(file, self.amended.text)
        self.manner.person.tell(f"The draft was kept as {kept}")

    def _prepared(self, ground: Ground, after: Graph, material: Material) -> Prepared:
        self._checked(ground)
        downs = (self.revision,) if self.revision in ground.heads else ()
        between = self.graph.after(ground.heads, downs, ())
        ups = after.upgrade_path(between, (self.revision,))
        require_written(after, ups)
        steps = (*downgrades(downs), *upgrades(ups))
        old = self.amended.aside(self.graph, self.project.git.private()) if self.amended and downs else ()
        final = after.after(between, (), ups)
        planned = commits(self._paths(material, after.scripts[self.revision])) if self._commits else ()
        return Prepared(
            plan=Plan(steps=(*steps, *planned), heads=final),
            moves=Moves(
                graphs=(tuple(after.scripts.values()), old),
                roots=(self.project.top, self.project.top),
                steps=tuple((step, 1 if step.action is Action.DOWNGRADE else 0) for step in steps),
                expect=final,
            ),
        )

    @property
    def _commits(self) -> bool:
        return self.options.commit

    def _planned(self, script: Script, material: Material) -> Plan:
        steps = (Step(action=Action.UPGRADE, revision=self.revision),)
        if self.options.draft:
            return Plan()
        paths = commits(self._paths(material, script)) if self._commits else ()
        return Plan(steps=(*steps, *paths), heads=(self.revision,))

    def _paths(self, material: Material, script: Script) -> tuple[str, ...]:
        return (*material.paths, script.path)

    def _commit(self, material: Material, script: Script, outcome: Outcome) -> MoveResult:
        paths = self._paths(material, script)
        if not self.options.commit:
            self.project.git.stage(paths)
            return self._result(material, script, outcome.plan, outcome=outcome, staged=True)
        message = self.project.settings.commit_message.replace("{message}", self.message)
        commit = commit_paths(
            self.project.git,
            message,
            paths if self.whole else (script.path,),
            trailers={"Migration-Revision": self.revision},
            amend=self.amended is not None and self.amended.committed,
            staged=() if self.whole else material.paths,
            refresh=lambda: self._refresh(script, material),
        )
        return replace(self._result(material, script, outcome.plan, outcome=outcome), commit=commit)

    def _refresh(self, script: Script, material: Material) -> None:
        """Hooks reformatted the models: the record names them as they are now."""
        self.project.forget()
        file = self.project.top / script.path
        now = replace(material, tree=self.project.work_tree)
        if script.header.schema is not None:
            write_text(file, with_header(file.read_text("utf-8"), header_of(self.project, now)))

    def _result(
        self,
        material: Material,
        script: Script,
        plan: Plan,
        *,
        outcome: Outcome | None = None,
        text: str | None = None,
        done: bool = True,
        staged: bool = False,
        drafted: bool = False,
    ) -> MoveResult:
        self.project.forget()
        return MoveResult(
            command="revise",
            plan=replace(plan, warnings=(*material.warnings, *plan.warnings)),
            database=outcome.database if outcome else "",
            before=outcome.before if outcome else (),
            heads=outcome.heads if outcome else (),
            done=done,
            revision=self.revision,
            path=script.path,
            changes=material.changes,
            text=text,
            staged=staged,
            drafted=drafted,
        )


def _parsed(path: str, text: str) -> Script:
    script = read_script(path, text)
    if not isinstance(script, Script):
        reason = script.reason if script is not None else "it has no revision identifier"
        raise Refused(
            f"GM006: the revision identifiers of {path} cannot be read: {reason}", hint=f"correct {path}"
        )
    return script

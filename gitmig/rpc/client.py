"""The command line's end of the worker: what can be asked of it, as values.

See ``worker/main.py`` for the other end. Everything that runs the project's code happens there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitmig.core.parked import ParkedRows
from gitmig.core.schema.facets import FacetKey, Schema
from gitmig.git.background import BackgroundCall
from gitmig.rpc.process import WorkerProcess
from gitmig.rpc.protocol import (
    AnnouncedLoss,
    DatabaseFacts,
    Draft,
    DraftRequest,
    Json,
    MigrationReply,
    MigrationRequest,
    SchemaAnswer,
    a_text,
    an_object,
    database_facts,
    database_state,
    ledger_states,
    lists_of_texts,
    losses_found,
    request_json,
)
from gitmig.wire.codec import built
from gitmig.wire.values import DatabaseState, LedgerState


@dataclass(slots=True)
class Worker(WorkerProcess):
    """The requests that a worker answers."""

    _asked_for: BackgroundCall[Json] | None = None
    _asked_heads: BackgroundCall[Json] | None = None

    def begin_schema(self) -> None:
        """Have the schema computed while the caller goes on; :meth:`schema` waits for it."""
        self._asked_for = BackgroundCall(self._schema)

    def _schema(self) -> Json:
        return self.request("schema", {"limit": self.options.limit})

    def schema(self) -> SchemaAnswer:
        """The schema of the models of this worker's tree, and what it depended on."""
        answer = self._schema() if self._asked_for is None else self._asked_for.result()
        manifest = an_object(answer["manifest"])
        return SchemaAnswer(
            schema=Schema(
                dialect=a_text(answer["dialect"]),
                sqlalchemy=a_text(answer["sqlalchemy"]),
                facets={
                    FacetKey(kind, table, name): ddl
                    for kind, table, name, ddl in lists_of_texts(answer["facets"])
                },
            ),
            files=built(tuple[str, ...], manifest["files"]),
            lookups=built(dict[str, str], manifest["lookups"]),
            listings=built(dict[str, str], manifest["listings"]),
            asked=built(tuple[str, ...], manifest["asked"]),
            complete=built(bool, manifest["complete"]),
            sources=built(dict[str, str], answer["sources"]),
            versions=built(tuple[str, ...], answer["versions"]),
        )

    def begin_heads(self) -> None:
        """Have the database looked at while the caller goes on; :meth:`heads` waits for it."""
        self._asked_heads = BackgroundCall(lambda: self.request("heads"))

    def heads(self) -> DatabaseState:
        """Where the configured database stands; changes nothing, creates nothing."""
        if self._asked_heads is None:
            return database_state(self.request("heads"))
        asked, self._asked_heads = self._asked_heads, None
        return database_state(asked.result())

    def ledger(self, limit: int | None = None) -> tuple[LedgerState, ...]:
        """The ledger of each database of this environment, with at most ``limit`` rows; changes nothing."""
        return ledger_states(self.request("ledger", {"limit": limit}))

    def enable_ledger(self, wait: float) -> tuple[LedgerState, ...]:
        """Make the table where it is missing, under the database's lock. Raises as :meth:`migrate` does."""
        return ledger_states(self.request("ledger", {"enable": True, "wait": wait}))

    def lock(
        self, held: Callable[[dict[str, str]], None], *, wait: float, note: Callable[[Json], None]
    ) -> None:
        """Hold the database's lock while ``held`` runs; it is given variables for processes below this one.

        Raises as :meth:`migrate` does, and what ``held`` raises; LockTimeout also if the lock was lost.
        """

        def answer(ask: Json) -> Json:
            held({a_text(ask["variable"]): a_text(ask["value"])})
            return {}

        self.request("lock", {"wait": wait, "lock": self.options.lock}, {"held": answer}, note=note)

    def parked(self, folder: str) -> tuple[str, tuple[ParkedRows, ...]]:
        """The database's name and what is parked of it, oldest first; changes nothing, creates nothing."""
        answer = self.request("park", {"folder": folder})
        return a_text(answer["database"]), built(tuple[ParkedRows, ...], answer["entries"])

    def parked_rows(
        self, folder: str, number: int, limit: int | None
    ) -> tuple[tuple[str, ...], tuple[tuple[str | None, ...], ...]]:
        """The columns and the rows of one copy, as text; changes nothing."""
        answer = self.request("park", {"folder": folder, "show": number, "limit": limit})
        rows = built(tuple[tuple[str | None, ...], ...], answer["rows"])
        return built(tuple[str, ...], answer["columns"]), rows

    def drop_parked(self, folder: str, numbers: Sequence[int], wait: float) -> tuple[ParkedRows, ...]:
        """Delete copies, under the database's lock; what is left. Raises as :meth:`migrate` does."""
        data: Json = {"folder": folder, "drop": list(numbers), "wait": wait, "lock": self.options.lock}
        self.request("park", data)
        return self.parked(folder)[1]

    def present(self, places: Sequence[tuple[str, str]]) -> tuple[bool, ...]:
        """Whether tables (``schema.table``, and no column) and columns are in the database."""
        answer = self.request("present", {"places": [list(place) for place in places]})
        return built(tuple[bool, ...], answer["there"])

    def migrate(
        self,
        plan: Callable[[DatabaseFacts], MigrationRequest | None],
        confirm: Callable[[], bool],
        *,
        wait: float,
        ddl_lock_timeout: float | None = None,
        losses: Callable[[tuple[AnnouncedLoss, ...]], bool] = lambda found: True,
        note: Callable[[Json], None] = lambda note: None,
        operation: str | None = None,
    ) -> MigrationReply:
        """Take the lock, ask ``plan`` what to do from here, prepare it, and commit when ``confirm`` says so.

        ``plan`` returns None to let go of everything, and may be asked twice (see ``provisional``); where
        its moves drop what holds rows, ``losses`` is asked whether to go on. A statement waits for other
        sessions for ``ddl_lock_timeout`` seconds, None being the database's default. ``operation`` is one
        whose rows are to be counted (``recorded``). What ``plan`` or ``confirm`` raises is raised here
        after the worker rolled back. Raises MigrationFailed, Blocked, LockTimeout, DatabaseUnreachable,
        WrongDatabase, ProjectCodeError.
        """
        data: Json = {
            "wait": wait,
            "ddl_lock_timeout": ddl_lock_timeout,
            "lock": self.options.lock,
            "operation": operation,
        }
        answer = self.request("migrate", data, self._deciders(plan, confirm, losses), note=note)
        return built(MigrationReply, answer)

    def draft(
        self,
        request: DraftRequest,
        *,
        parent: Callable[[Json], Json] = lambda ask: {"objects": []},
        plan: Callable[[DatabaseFacts], MigrationRequest | None] = lambda facts: None,
        note: Callable[[Json], None] = lambda note: None,
    ) -> Draft:
        """Draft a revision; nothing is written.

        ``parent`` answers with the code of what the old models have. A draft of all that the database has
        otherwise is made in a transaction that is rolled back: ``plan`` says how it gets to the parents, as
        for :meth:`migrate`; so for what extensions of autogenerate look into it for.
        """
        answers = self._deciders(plan, lambda: False) | {"parent": parent}
        data = request.json() | {"lock": self.options.lock}
        answer = self.request("draft", data, answers, note=note)
        uncovered = [
            dict(zip(("kind", "table", "name"), row, strict=True))
            for row in lists_of_texts(answer["uncovered"])
        ]
        return built(Draft, {**answer, "uncovered": uncovered})

    def parent(self, ask: Json) -> Json:
        """The code of objects of this worker's models, see ``worker/drafting/parents.py``."""
        return self.request("parent", {key: value for key, value in ask.items() if key != "ask"})

    def prove(self, part: str, url: str, **data: object) -> Json:
        """One part of a proof in the scratch database ``url``, see ``worker/proving``. Raises Unproven."""
        self.doing = f"the {part} of a proof did not end"
        return self.request("prove", {"part": part, "url": url, "limit": self.options.limit, **data})

    def live(self, excluded: Sequence[str], like: Sequence[Sequence[str]]) -> list[list[str]]:
        """The facets of the configured database, see ``worker/proving/live.py``. Changes nothing."""
        data: Json = {"excluded": list(excluded), "like": [list(row) for row in like]}
        return lists_of_texts(self.request("live", data)["facets"])

    def replay(
        self,
        url: str,
        models: Callable[[Json], Json],
        note: Callable[[Json], None],
        **data: object,
    ) -> Json:
        """Replay revisions in the scratch database ``url``, see ``worker/proving/replay.py``."""
        return self.request("replay", {"url": url, **data}, {"models": models}, note=note)

    def format(self, path: Path) -> None:
        """Run the project's post-write hooks on a revision file."""
        self.request("format", {"path": self.there(path)})

    def initialise(self, **data: object) -> None:
        """Make an Alembic environment; see ``worker/requests/initialise.py``."""
        self.request("initialise", dict(data))

    def _deciders(
        self,
        plan: Callable[[DatabaseFacts], MigrationRequest | None],
        confirm: Callable[[], bool],
        losses: Callable[[tuple[AnnouncedLoss, ...]], bool] = lambda found: True,
    ) -> dict[str, Callable[[Json], Json]]:
        def answer_plan(ask: Json) -> Json:
            moves = plan(database_facts(ask))
            return {"release": True} if moves is None else request_json(moves, self.there)

        return {
            "plan": answer_plan,
            "losses": lambda ask: {"go": losses(losses_found(ask["found"]))},
            "commit": lambda ask: {"commit": confirm()},
        }

"""A downgrade: the rows that its statements take are parked just before they go."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.exc import DBAPIError

from ..channel import Failure
from ..environment.run import first_line
from .entry import ParkedEntry
from .run import Loss, ParkingRun, shown_name, too_large, why_not
from .step import ParkingStep
from .store import ROW, STATE
from .tables import Column, TableName


class Downgrade(ParkingStep):
    """What one downgrade takes."""

    action = "downgrade"

    def __init__(self, run: ParkingRun, revision: str):
        super().__init__(run, revision, run.now())
        self._made: list[ParkedEntry] = []

    def lose(self, loss: Loss) -> None:
        """Park the rows. Raises Failure("park") if they cannot be kept, and Failure("loss")."""
        place, names = self._before(loss)
        if (why := self._why_not(loss)) is not None:
            # Nobody loses what an earlier step of this run has made.
            ours = self.origin(loss.number, self.run.first) or (None, {})
            if ours[0] is None or not (loss.whole or {*loss.names} <= ours[1].keys()):
                return
            for each in (None,) if loss.whole else loss.names:
                name = None if each is None else names[each]
                self.require_announced(place, name, why or None, at=loss.found.place)
            if why:
                self.run.unparked.append(f"{shown_name(loss.found.place, _listed(loss))}: {why}")
            self._unkey(loss, place, names)
            return
        self._park(loss, place, names)

    def _before(self, loss: Loss) -> tuple[TableName, dict[str, str]]:
        """What the table and its columns are called above this step."""
        origin = self.origin(loss.number, self.start)
        assert origin is not None, loss
        return origin

    def _why_not(self, loss: Loss) -> str | None:
        """Why they are not parked: "" if nobody wants that; None: they are."""
        store = self.run.store
        if not self.run.order.park or store is None:
            return ""
        return why_not(store, loss.found, self._key(loss), whole=loss.whole)

    def _key(self, loss: Loss) -> tuple[str, ...]:
        key = self.tables.key(loss.found.place, () if loss.whole else loss.names)
        # Above this step there is no column that the step has added.
        return key if set(key) <= self._before(loss)[1].keys() else ()

    def _unkey(self, loss: Loss, place: TableName, names: dict[str, str]) -> None:
        if not loss.whole and self.run.store is not None:
            self.run.store.unkey(self.run.environment, place, [names[each] for each in loss.names])

    def _park(self, loss: Loss, name: TableName, names: dict[str, str]) -> None:
        run, place, key = self.run, loss.found.place, self._key(loss)
        assert run.store is not None
        keys = tuple(each for each in self.tables.columns(place) if each.name in key)
        about = {
            "environment": run.environment,
            "revision": self.revision,
            "whole": loss.whole,
            "who": run.order.who,
            "operation": run.order.operation,
        }
        if taken := {ROW, STATE} & {each.name.lower() for each in (*loss.columns, *keys)}:
            table = shown_name(place, None)
            raise Failure("park", f"the rows of {table} cannot be parked: {taken.pop()} is ours")
        try:
            self._require_small(loss, [*loss.names, *(each for each in key if each not in loss.names)])
            if run.crash_copy is not None:
                columns, their_key = _renamed(loss.columns, names), _renamed(keys, names)
                run.crash_copy.keep(name, columns, their_key, **about)
            entry = run.store.park(place, loss.columns, keys, name=name, names=names, **about)
        except (DBAPIError, OSError) as error:
            what = shown_name(place, _listed(loss))
            raise Failure("park", f"the rows of {what} cannot be parked: {first_line(error)}") from error
        self._made.append(entry)

    def _require_small(self, loss: Loss, names: list[str]) -> None:
        limit, place = self.run.order.limit, loss.found.place
        size = self.tables.size(place, names, limit)
        if size > limit:
            column = None if loss.whole else loss.names[0]
            raise too_large(place.schema, place.table, column, size, limit)

    def end(self) -> None:
        """Tell what was parked, and look for what is gone that no statement was seen to take."""
        store = self.run.store
        there = {each.id for each in store.entries(self.run.environment)} if self._made and store else set()
        # What was parked inside a savepoint may have been taken back with it, and its number given again.
        for entry in {each.id: each for each in self._made}.values():
            if entry.id in there:
                self._settle(entry)
        self.look_for_the_rest()

    def _settle(self, entry: ParkedEntry) -> None:
        """A table that was dropped and made again with its rows has lost some columns, or none."""
        store = self.run.store
        assert store is not None
        present = {column.name for column in self.tables.columns(entry.place)} if entry.whole else set()
        stayed = [column.name for column in entry.columns if column.name in present]
        if stayed and store.are_there(entry, stayed):
            gone = tuple(column for column in entry.columns if column.name not in present)
            if not gone:
                store.remove(entry.id)
                return
            if entry.key and {each.name for each in entry.key} <= present:
                store.narrow(entry, gone)
                entry = replace(entry, whole=False, columns=gone)
            store.unkey(entry.environment, entry.place, [each.name for each in gone])
        self.run.parked.append(entry.as_json())


def _listed(loss: Loss) -> str | None:
    return None if loss.whole else ", ".join(loss.names)


def _renamed(columns: tuple[Column, ...], names: dict[str, str]) -> tuple[Column, ...]:
    return tuple(replace(each, name=names.get(each.name, each.name)) for each in columns)

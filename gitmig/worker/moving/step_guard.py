"""What stands around each step of a run: the log of its statements, and the parking of the rows it takes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from alembic.runtime.migration import MigrationContext

from ...wire.step_log import HalfStep
from ..channel import Failure
from ..environment.run import EnvRunStopped
from ..parking.run import ParkingPolicy
from ..parking.watching import Parking, parking_of
from .calling_off import CallingOff
from .planning import is_autocommit, is_mysql
from .progress import Progress
from .step_log import StepLog, halves_of


class StepGuard:
    """Logs and parks for the steps of one run. :meth:`close` lets go of the files that it keeps open."""

    def __init__(self, calling_off: CallingOff, progress: Progress) -> None:
        self._calling_off = calling_off
        self._progress = progress
        self._halves: list[HalfStep] = []
        self._step_log: StepLog | None = None
        self._parkings: list[Parking] = []
        self._parking: Parking | None = None

    def begin(self, context: MigrationContext, answer: dict[str, Any], environment: str) -> None:
        """Get ready for the steps of ``answer``, which gets those of a half step that is to be finished."""
        self._log_steps(context, answer)
        self._park(context, answer, environment)

    def guarded(self, function: Callable[..., None], number: int, path: str) -> Callable[..., None]:
        """The function of step ``number``, whose script is at ``path``; raises EnvRunStopped if it fails."""
        return self._watched(self._logged(function, number), path)

    def close(self) -> None:
        """The transaction has ended by now."""
        for parking in self._parkings:
            parking.close()
        if self._step_log is not None:
            self._step_log.close()

    def parked(self) -> dict[str, Any]:
        """What was parked and what came back, for the answer to the request."""
        return {
            "parked": [each for parking in self._parkings for each in parking.parked],
            "back": [each for parking in self._parkings for each in parking.back],
            "unparked": [each for parking in self._parkings for each in parking.unparked],
            "unread": next((parking.unread for parking in self._parkings if parking.unread), None),
        }

    def _log_steps(self, context: MigrationContext, answer: dict[str, Any]) -> None:
        """Log the steps where the database keeps each statement; or finish the one that the log tells of."""
        path, connection = answer.get("step_log"), context.connection
        autocommit = connection is None or is_autocommit(connection)
        if path is None or connection is None or autocommit or not is_mysql(context):
            return
        if self._step_log is not None:
            self._step_log.close()
        log = StepLog(path, connection, self._calling_off, resumed=bool(answer.get("resume")))
        self._step_log = log
        if log.half is not None:
            answer |= log.to_be_finished(log.half)
        self._halves = halves_of(answer)

    def _logged(self, function: Callable[..., None], number: int) -> Callable[..., None]:
        log = self._step_log
        if log is None:
            return function

        @functools.wraps(function)
        def logged(**arguments: Any) -> None:
            with log.step(self._halves[number]):
                function(**arguments)

        return logged

    def _park(self, context: MigrationContext, answer: dict[str, Any], environment: str) -> None:
        """Have what the steps take looked at and parked, and put back what belongs to them."""
        self._parking = None
        order = ParkingPolicy.of(answer.get("parking"))
        if answer["steps"]:
            parking = parking_of(
                context,
                order,
                environment,
                transactional=self._progress.whole,
                announced=answer.get("announced") or (),
            )
            if parking is not None:
                self._parking = parking
                self._parkings.append(parking)

    def _watched(self, function: Callable[..., None], path: str) -> Callable[..., None]:
        @functools.wraps(function)
        def watched(**arguments: Any) -> None:
            assert self._progress.current is not None
            try:
                if self._parking is not None:
                    self._parking.watch(*self._progress.current, lambda: function(**arguments))
                else:
                    function(**arguments)
            except Failure as failure:
                raise EnvRunStopped(self._progress.reported(failure)) from failure
            except (Exception, SystemExit) as error:
                raise EnvRunStopped(self._progress.failed(error, path)) from error

        return watched

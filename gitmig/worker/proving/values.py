"""Made-up values of the types of columns."""

from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any

from sqlalchemy import types

OMITTED = object()
"""No value: the database has one of its own, or none is known."""
_LONG = 300


def made_up(kind: types.TypeEngine[Any], row: str, number: int | None) -> Any:
    """A value for a row that is ``plain``, ``again``, ``empty`` or ``long``; OMITTED if none is known.

    Each number has another one.
    """
    if isinstance(kind, types.TypeDecorator):
        return made_up(kind.impl_instance, row, number)
    if isinstance(kind, types.Enum):
        return kind.enums[-1 if row == "long" else 0] if kind.enums else OMITTED
    if isinstance(kind, types.String):
        return _text(kind.length, row, number)
    if isinstance(kind, types.Boolean):
        return row == "long" if number is None else bool(number % 2)
    if isinstance(kind, types.Integer):
        return number if number is not None else {"empty": 0, "long": 30_000}.get(row, 1)
    if isinstance(kind, types.Numeric):
        most = 10 ** min((kind.precision or 6) - (kind.scale or 0), 4) - 1
        value = number % (most + 1) if number is not None else {"empty": 0, "long": most}.get(row, 1)
        return decimal.Decimal(value) if kind.asdecimal else float(value)
    days = datetime.timedelta(days=number or 0)
    for cls, value in (
        (types.DateTime, datetime.datetime(2001, 2, 3, 4, 5, 6) + days),
        (types.Date, datetime.date(2001, 2, 3) + days),
        (types.Time, datetime.time(4, 5, (number or 6) % 60)),
        (types.Interval, days),
        (types.Uuid, uuid.UUID(int=number or 7)),
        (types.LargeBinary, b"" if number is None else str(number).encode()),
        (types.JSON, {}),
        (types.ARRAY, []),
    ):
        if isinstance(kind, cls):
            return value
    return OMITTED


def _text(length: int | None, row: str, number: int | None) -> str:
    if number is not None:
        return str(number)[-(length or _LONG) :]
    if row == "long":
        return "long text "[: length or 10] if length and length < 10 else "x" * min(length or _LONG, 4000)
    return "" if row == "empty" else "a"[: length or 1]

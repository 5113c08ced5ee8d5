"""What the models share."""

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """What every model derives from."""

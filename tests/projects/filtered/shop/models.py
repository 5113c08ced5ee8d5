"""The models."""

from pathlib import Path

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = (Path(__file__).parent / "names.txt").read_text().split()


class Base(DeclarativeBase):
    """What every model derives from."""


class User(Base):
    """Somebody who may sign in."""

    __tablename__ = NAMES[0]

    id: Mapped[int] = mapped_column(primary_key=True)

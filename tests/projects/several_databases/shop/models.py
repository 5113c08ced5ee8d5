"""The models of two databases."""

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Archive(DeclarativeBase):
    """What every model of the archive derives from."""


class Old(Archive):
    """What nobody wants any more."""

    __tablename__ = "old"

    id: Mapped[int] = mapped_column(primary_key=True)


class Base(DeclarativeBase):
    """What every model derives from."""


class User(Base):
    """Somebody who may sign in."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)

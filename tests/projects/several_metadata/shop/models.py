"""Two families of models in one database."""

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Reporting(DeclarativeBase):
    """What every model of a report derives from."""


class Report(Reporting):
    """What somebody wants to know."""

    __tablename__ = "report"

    id: Mapped[int] = mapped_column(primary_key=True)


class Base(DeclarativeBase):
    """What every model derives from."""


class User(Base):
    """Somebody who may sign in."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)

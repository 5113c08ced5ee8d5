"""The models."""

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """What every model derives from."""


class UserView(Base):
    """A view, which somebody else makes."""

    __tablename__ = "view_users"

    id: Mapped[int] = mapped_column(primary_key=True)


class User(Base):
    """Somebody who may sign in."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)

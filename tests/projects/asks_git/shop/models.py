"""The models."""

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shop.version import COMMIT


class Base(DeclarativeBase):
    """What every model derives from."""


class User(Base):
    """Somebody who may sign in."""

    release = COMMIT

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)

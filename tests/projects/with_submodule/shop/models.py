"""The models."""

from sqlalchemy.orm import Mapped, mapped_column

from shop.common.base import Base


class User(Base):
    """Somebody who may sign in."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)

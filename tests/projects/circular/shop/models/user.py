"""Who buys."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column, relationship

import shop.models.order
from shop.base import Base


class User(Base):
    """Somebody who may sign in."""

    __tablename__ = "user"

    orders: Mapped[list[shop.models.order.Order]] = relationship(back_populates="user")
    id: Mapped[int] = mapped_column(primary_key=True)

"""What is bought."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

import shop.models.user
from shop.base import Base


class Order(Base):
    """What somebody wants."""

    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    user: Mapped[shop.models.user.User] = relationship(back_populates="orders")

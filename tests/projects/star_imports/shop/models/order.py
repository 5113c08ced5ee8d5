"""What is bought."""

from sqlalchemy.orm import Mapped, mapped_column

from shop.base import Base


class Order(Base):
    """What somebody wants."""

    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)

"""All of them, so that one import fills the metadata."""

from shop.base import Base
from shop.models.order import Order
from shop.models.user import User

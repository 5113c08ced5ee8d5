"""Modules that import each other."""

from shop.base import Base
from shop.models.user import User

"""Everything, by star imports."""

from shop.base import *
from shop.models.order import *
from shop.models.user import *

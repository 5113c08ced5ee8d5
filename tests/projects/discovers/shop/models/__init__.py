"""Whatever lies in this folder."""

import importlib
import pkgutil

from shop.base import Base

for module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{module.name}")

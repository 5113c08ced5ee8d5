"""Loads the models by the path of their file."""

import importlib.util
import pathlib
import sys

from alembic import context
from sqlalchemy import create_engine

PATH = pathlib.Path(__file__).parent.parent / "shop" / "models.py"
spec = importlib.util.spec_from_file_location("shop_models", PATH)
assert spec is not None
assert spec.loader is not None
module = importlib.util.module_from_spec(spec)
sys.modules["shop_models"] = module
spec.loader.exec_module(module)
Base = module.Base

URL = context.config.get_main_option("sqlalchemy.url", "")

if context.is_offline_mode():
    context.configure(url=URL, target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(URL).connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()

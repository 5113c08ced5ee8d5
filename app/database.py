"""Where the example keeps its rows: an SQLite file, unless ``DATABASE_URL`` names another database."""

import os
import re

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, sessionmaker

# Hosting providers hand out postgres:// and postgresql://; the driver that is installed here is psycopg2.
CONNECTION_STR = re.sub(
    r"^postgres(ql)?://", "postgresql+psycopg2://", os.environ.get("DATABASE_URL", "sqlite:///app.db")
)

engine = create_engine(CONNECTION_STR)
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    """What every model derives from."""

"""The models, made from tables.json."""

import json
from pathlib import Path

from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import DeclarativeBase

TYPES = {"integer": Integer, "string": String}


class Base(DeclarativeBase):
    """What every model derives from."""


for name, columns in json.loads((Path(__file__).parent / "tables.json").read_text()).items():
    made = {key: Column(TYPES[kind], primary_key=key == "id") for key, kind in columns.items()}
    type(name.title(), (Base,), {"__tablename__": name, **made})

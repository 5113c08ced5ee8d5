"""gitmig keeps SQLAlchemy models in git and the schema in the database in step."""

__version__ = "0.2.0"

"""Runs in the project's interpreter, see main.py. Imports the standard library, sqlalchemy, alembic."""

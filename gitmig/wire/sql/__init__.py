"""SQL read as text, and never run: what its statements drop, add and copy."""

from .statements import Add, Drop, Name, Rebuild, Statement, dropped, emptied, statements

__all__ = ["Add", "Drop", "Name", "Rebuild", "Statement", "dropped", "emptied", "statements"]

"""Text from repositories and databases, made fit for a terminal."""

from __future__ import annotations


def harmless(text: str) -> str:
    """The text with control characters shown as escapes, newlines and tabs excepted.

    A revision message or a name from a database must not be able to move a terminal's cursor or set
    its title.
    """
    if text.isprintable():
        return text
    return "".join(
        char
        if char in "\n\t" or (char.isprintable() or char == " ")
        else char.encode("unicode_escape").decode()
        for char in text
    )

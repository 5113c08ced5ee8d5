"""Passwords, taken out of text that somebody else wrote."""

from __future__ import annotations

import re

_URL = re.compile(r"://([^:/@\s]*):[^@\s]*@(?:[^@/\s?]*@)*")
_KEYWORD = re.compile(
    r"\b((?:ssl)?password|passwd|pwd|PGPASSWORD)(['\"]?\s*[=:]\s*|%3D)"
    r"(?!YES\b|NO\b)"  # MySQL: Access denied for user … (using password: YES)
    r"('(?:[^'\\]|\\.)*'|\"[^\"]*\"|[^&;,\s'\")}]+)",
    re.IGNORECASE,
)


def without_passwords(text: str) -> str:
    """The text with the passwords of URLs, queries and DSNs replaced by ``***``."""
    return _KEYWORD.sub(r"\1\2***", _URL.sub(r"://\1:***@", text))

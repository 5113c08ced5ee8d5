"""Colours for the terminal sessions of the site, by what a line of output begins with."""

from __future__ import annotations

import re
from typing import Any

_OUTPUT = re.compile(r'<span class="go">(.*?)</span>', re.DOTALL)
_KINDS = (
    ("session-bad", re.compile(r"^(Error:|GM\d{3} (?!warning)|✗)")),
    ("session-warn", re.compile(r"^(GM\d{3} warning|!|Warning:|▼|  -|  ~|\?)")),
    ("session-good", re.compile(r"^(▲|✓|  \+|in step|●)")),
    ("session-hint", re.compile(r"^(Hint:|  Hint:|→)")),
    ("session-note", re.compile(r"^(Note:|#)")),
)


def on_page_content(html: str, **_: Any) -> str:
    """MkDocs calls this with each page; the page with a class on each line that has one."""
    return _OUTPUT.sub(_coloured, html)


def _coloured(found: re.Match[str]) -> str:
    for kind, begins in _KINDS:
        if begins.match(found[1]):
            return f'<span class="go {kind}">{found[1]}</span>'
    return found[0]

"""What the hooks after a checkout and a merge run. Whatever happens, they are not held up by it."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def run(words: Sequence[str]) -> None:
    """Print the advice that there is after ``words``, a hook's name and arguments, to stderr."""
    try:
        from gitmig.advice import advise

        advice = advise(words, os.environ)
        if advice is not None:
            print(advice.line, file=sys.stderr)
    except (Exception, KeyboardInterrupt):
        return

"""Named points at which a test may stop the process dead, as a power cut would."""

from __future__ import annotations

import os
import signal


def failpoint(name: str) -> None:
    """Nothing at all, unless ``GITMIG_TEST_KILL_AT`` names this point: then the process is killed here."""
    if os.environ.get("GITMIG_TEST_KILL_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)

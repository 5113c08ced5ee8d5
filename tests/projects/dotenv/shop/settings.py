"""The settings of this machine."""

from pathlib import Path

LINES = (Path(__file__).parent.parent / ".env").read_text().splitlines()
SETTINGS = dict(line.split("=", 1) for line in LINES if line)

"""The repository to build by hand, as for the git room."""

from tests.gitroom.conftest import build, opened, repository

__all__ = ["build", "opened", "repository"]

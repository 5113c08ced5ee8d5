"""What a worker is opened with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Opening:
    """The ``open`` request. All paths but ``top`` are relative to it, with forward slashes."""

    top: str
    """The checkout, as the command line sees it."""
    folder: str = ""
    """The folder of the Alembic configuration, in which the project's code runs."""
    root: str | None = None
    """The folder that the tree is laid out in, if the code is not to be that of the checkout."""
    inode: tuple[int, ...] = ()
    """Device and number of ``top``: elsewhere the same path may be another folder."""
    others: tuple[str, ...] = ()
    """The tops of the other work trees of the repository, absolute."""
    ini: str | None = None
    toml: str | None = None
    section: str = "alembic"
    script_location: str | None = None
    """The script folder; None leaves it to the configuration."""
    versions: tuple[str, ...] = ()
    """The folders of the revisions, if the configuration does not say it all: read with all below them."""
    paths: tuple[str, ...] = ()
    """The folders that modules are imported from, after what the configuration says."""
    flask: bool = False
    """Whether everything runs in the context of Flask's application."""
    app: str | None = None
    """What Flask finds the application by, unless ``FLASK_APP`` is set."""
    x: tuple[str, ...] = ()
    url_env: str | None = None
    metadata: str | None = None
    dialect: str | None = None
    exclude: tuple[str, ...] = ()

    @property
    def configured(self) -> bool:
        """Whether there is an Alembic environment to read."""
        return any((self.ini, self.toml, self.script_location))

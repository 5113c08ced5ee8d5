"""What each way of drafting is made of: an empty script, an empty answer, what hooks of env.py see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.operations import ops
from alembic.util import rev_id

from ..environment.config import alembic_config
from ..session import Session


@contextmanager
def autogenerating(session: Session, wanted: bool) -> Iterator[None]:
    """What hooks of env.py look at to see whether they are asked by ``--autogenerate``."""
    options = alembic_config(session).cmd_opts
    before = options.autogenerate if options is not None else None
    if options is not None:
        options.autogenerate = wanted
    try:
        yield
    finally:
        if options is not None:
            options.autogenerate = before


def new_script(request: dict[str, Any]) -> ops.MigrationScript:
    """A revision with nothing in it yet."""
    return ops.MigrationScript(
        request.get("revision") or rev_id(),
        ops.UpgradeOps([]),
        ops.DowngradeOps([]),
        message=request.get("message"),
        splice=request.get("splice"),
        branch_label=request.get("branch_label"),
        version_path=request.get("version_path"),
        depends_on=request.get("depends_on"),
    )


def parents_of(request: dict[str, Any]) -> list[str]:
    """The ids of the revisions that it comes after."""
    head = request.get("head") or []
    return [head] if isinstance(head, str) else list(head)


def revision_environment(config: Any) -> bool:
    """Whether env.py is to be run for an empty revision as well."""
    option = getattr(config, "get_alembic_option", config.get_main_option)("revision_environment")
    return str(option).lower() in ("true", "1", "yes", "on", "t", "y")


def nothing() -> dict[str, Any]:
    """The answer without a draft."""
    return {
        "revision": "",
        "folder": "",
        "filename": "",
        "text": "",
        "uncovered": [],
        "drops": [],
        "rename_candidates": [],
        "unfilled": [],
        "warnings": [],
        "unasked": [],
        "empty": True,
    }

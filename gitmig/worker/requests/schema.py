"""The ``schema`` request: the facets of the project's models, and what they depended on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..channel import Failure
from ..environment.config import script_directory
from ..environment.target import Captured, Configured, capture
from ..importing.tracebacks import project_code
from ..schema.facets import Facet, Filters, facets_of, plain_dialect

if TYPE_CHECKING:
    from ..session import Session


def read_schema(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """Import the models and describe them; see the protocol for the shape of the answer."""
    import sqlalchemy

    manifest = session.importing.manifest
    try:
        captured = capture(session)
    except Failure as failure:
        failure.data["missing"] = manifest.missing()
        raise
    facets: list[Facet] = []
    with project_code(session):  # include_object, custom types and compilers are the project's
        for number, target in enumerate(captured.targets):
            facets += _prefixed(_facets(session, target), target.engine or str(number), first=number == 0)
    return {
        "dialect": captured.targets[0].dialect.name,
        "sqlalchemy": ".".join(sqlalchemy.__version__.split(".")[:2]),
        "facets": sorted(facets),
        "manifest": manifest.to_json(),
        "sources": _sources(session, captured),
        "metadata_from": captured.source,
        "versions": version_folders(session),
    }


def version_folders(session: Session) -> list[str]:
    """The folders of the revision files, relative to the top; those outside are left out."""
    if not session.options.configured:
        return []
    script = script_directory(session)
    places = script.version_locations or [os.path.join(script.dir, "versions")]
    found = (session.places.relative(os.path.abspath(str(place))) for place in places)
    return [path for path in found if path is not None]


def _facets(session: Session, target: Configured) -> list[Facet]:
    filters = Filters(target.options, session.options.exclude)
    return facets_of(target.metadata, plain_dialect(target.dialect), filters)


def _prefixed(facets: list[Facet], engine: str, *, first: bool) -> list[Facet]:
    """The other databases of one env.py: their tables differ from those of the first by their name."""
    if first:
        return facets
    return [
        (kind, f"{engine}:{table}", name, ddl) if table else (kind, table, f"{engine}:{name}", ddl)
        for kind, table, name, ddl in facets
    ]


def _sources(session: Session, captured: Captured) -> dict[str, str]:
    """The files that define tables which take part; other environments of one metadata have the rest."""
    wanted = set()
    with project_code(session):
        for target in captured.targets:
            filters = Filters(target.options, session.options.exclude)
            for metadata in target.metadata:
                tables = metadata.tables.values()
                wanted |= {(id(metadata), table.key) for table in tables if filters.table(table)}
    return {
        key: path for (metadata, key), path in sorted(session.sources.items()) if (metadata, key) in wanted
    }

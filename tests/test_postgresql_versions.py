"""Two versions of PostgreSQL describe one schema in the same words: 18 keeps NOT NULL as constraints, say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import database, servers
from tests.story import MODELS, Project

OLD, NEW = 16, 18
_MODELS = f"""{MODELS}    name: Mapped[str] = mapped_column(String(20), server_default="nobody", unique=True)
    age: Mapped[int] = mapped_column(CheckConstraint("age > 0", name="of_age"), server_default="18")
    colour: Mapped[str | None] = mapped_column(Enum("red", "blue", name="colour"), comment="Of the hair")
    price: Mapped[float] = mapped_column(Numeric(10, 2), Computed("age * 2.5"))
    twice: Mapped[int] = mapped_column(Computed("age * 2", persisted=True))
    seen: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    tags: Mapped[list[str]] = mapped_column(ARRAY(String), server_default="{{}}")


class Pet(Base):
    __tablename__ = "pet"
    __table_args__ = (
        Index("ix_pet_lower", text("lower(name)"), postgresql_where=text("owner is not null")),
        UniqueConstraint("name", "owner", name="one_name", postgresql_nulls_not_distinct=True),
    )

    number: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    name: Mapped[str]
    owner: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE", deferrable=True))
"""
_IMPORTED = (
    "ARRAY, CheckConstraint, Computed, DateTime, Enum, ForeignKey, Identity, Index, Numeric, String, "
    "UniqueConstraint, text"
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, str]]:
    """The URL of a server of each version."""
    folders = {version: tmp_path_factory.mktemp(f"pg{version}") for version in (OLD, NEW)}
    try:
        yield {version: servers.postgres(folder, version) for version, folder in folders.items()}
    finally:
        for folder in folders.values():
            servers.stop(folder)


@pytest.mark.parametrize(("live", "scratch"), [(OLD, OLD), (OLD, NEW), (NEW, OLD), (NEW, NEW)])
def test_nothing_is_found_and_a_change_is(
    tmp_path: Path, running: dict[int, str], monkeypatch: pytest.MonkeyPatch, live: int, scratch: int
) -> None:
    """The live database has one version, and the scratch databases that it is compared with another one."""
    monkeypatch.setenv("GITMIG_SCRATCH_URL", running[scratch])
    with servers.fresh_database(running[live]) as url:
        project = Project.create(tmp_path, url)
        models = _MODELS.replace("import String", f"import {_IMPORTED}")
        project.write(
            "app/models.py", models.replace('"""The models."""\n', "from datetime import datetime\n")
        )
        project.gitmig("revise", "-m", "First revision", "--yes", check=0)
        assert project.gitmig("drift", "--json", check=0).json["findings"] == []
        answer = project.gitmig("verify", "--json", check=0).json
        assert (answer["findings"], answer["counts"]["verified"]) == ([], 1)
        database.execute(url, 'alter table "user" alter column name drop not null')
        wanted = "CHARACTER VARYING(20) DEFAULT 'nobody'::character varying"
        (found,) = project.gitmig("drift", "--json", check=1).json["findings"]
        assert found["details"] == [f"~ user.name {wanted} NOT NULL -> {wanted}"]

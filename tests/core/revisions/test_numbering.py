"""Revisions that are numbered."""

from __future__ import annotations

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.numbering import apart, numbered_names, renamed, renumbered
from gitmig.core.revisions.scripts import Script
from gitmig.wire.values import RevisionId


def ids(text: str) -> list[RevisionId]:
    return [RevisionId(one) for one in text.split()]


def test_numbers_go_on() -> None:
    known = {revision: "" for revision in ids("0001 0002 0003")}
    assert renumbered(known, ids("0002 0003"), ids("0001 0002")) == {"0002": "0003", "0003": "0004"}
    assert renumbered(known, ids("0003"), ids("0001 0002")) == {}
    hashes = {revision: "" for revision in ids("0001 8c7a00b1f2d3")}
    assert renumbered(hashes, ids("0001"), ids("0001 8c7a00b1f2d3")) == {}
    dates = {revision: "" for revision in ids("20260101 20260102")}
    assert renumbered(dates, ids("20260101"), ids("20260102")) == {}


def test_names_follow() -> None:
    assert renamed("v/0002_add.py", RevisionId("0002"), RevisionId("0003")) == "v/0003_add.py"
    assert renamed("v/00021_add.py", RevisionId("0002"), RevisionId("0003")) == "v/00021_add.py"
    assert renamed("add.py", RevisionId("0002"), RevisionId("0003")) == "add.py"
    known = {RevisionId("a"): "v/001_a.py", RevisionId("b"): "v/002_b.py", RevisionId("c"): "v/002_c.py"}
    assert numbered_names(known, ids("c")) == {"c": "v/003_c.py"}
    assert numbered_names(known, ids("")) == {}
    assert numbered_names({**known, RevisionId("d"): "v/d.py"}, ids("c")) == {}
    years = {RevisionId("a"): "v/2024-01_a.py", RevisionId("b"): "v/2025-01_b.py"}
    assert numbered_names(years, ids("a")) == {}


def test_two_that_took_one_number() -> None:
    def script(number: str, parent: str, path: str) -> Script:
        parents = (RevisionId(parent),) if parent else ()
        return Script(revision=RevisionId(number), down_revisions=parents, path=path)

    scripts = [
        script("01", "", "01_first.py"),
        script("02", "01", "02_theirs.py"),
        script("02", "01", "02_ours.py"),
        script("03", "02", "03_ours.py"),
    ]
    found, written = apart(Graph.of(scripts), {"01_first.py", "02_theirs.py"})
    assert {s.path: (s.revision, s.down_revisions) for s in found.scripts.values()} == {
        "01_first.py": ("01", ()),
        "02_theirs.py": ("02", ("01",)),
        "02_ours.py": ("04", ("01",)),
        "03_ours.py": ("03", ("04",)),
    }
    assert {new: old.revision for new, old in written.items()} == {"04": "02", "03": "03"}
    hashes = [script("ab", "", "a.py"), script("ab", "", "b.py")]
    assert apart(Graph.of(hashes), {"a.py"})[1] == {}

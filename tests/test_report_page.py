"""The page that ``gitmig report`` writes, opened from a file and used in a real Chromium."""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.articles import plain
from tests.browser import Browser, Keys
from tests.shop import shop
from tests.story import Project

_EVIL = "<img src=x onerror=document.title='evil'>"
_EVIL_COLUMN = "</script><script>document.title='evil'</script>"
_EVIL_CLASS = f'''

from app.database import Base
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column


class Evil(Base):
    """What no page may run."""

    __tablename__ = {_EVIL!r}

    id: Mapped[int] = mapped_column(primary_key=True)
    column: Mapped[str | None] = mapped_column({_EVIL_COLUMN!r}, String(9), server_default="<b>")
'''
_MANY = """
from app.database import Base
from sqlalchemy import Column, ForeignKey, Integer, Table

for number in range(90):
    others = {number // 3, number // 7} - {number}
    keys = [Column(f"n{n}_id", ForeignKey(f"many_{n:02}.id")) for n in others]
    Table(f"many_{number:02}", Base.metadata, Column("id", Integer, primary_key=True), *keys)
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and the project that it is of."""

    path: Path
    home: str
    """The home folder with which it was made: under another one nothing is known of the models."""

    def ask(self, *words: str) -> Any:
        """What another command says of the same project."""
        return Project(self.path.parent).gitmig(*words, "--json", env={"HOME": self.home}).json

    def at(self, revision: str, tab: str, **words: str) -> str:
        """The words of an address."""
        return urlencode({"at": revision, "tab": tab, **words})


@functools.cache
def _made() -> Page:
    """A shop of eight tables and 14 revisions, applied; one with evil names; 90 tables in no revision."""
    folder = Path(tempfile.mkdtemp(prefix="gitmig-report-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    project = shop(folder, tables=8, revisions=14, remarks=2)
    project.git("tag", "v1.0", "HEAD~6")
    project.gitmig("upgrade", "--yes", check=0)
    (head,) = project.heads()
    made = f"op.create_table({_EVIL!r}, sa.Column('id', sa.Integer, primary_key=True))"
    plain(project, "e1e1", head, up=made, down=f"op.drop_table({_EVIL!r})", message=f"Add {_EVIL}")
    project.write("app/models/evil.py", _EVIL_CLASS)
    project.append("app/models/__init__.py", "from app.models import evil as evil\n")
    project.commit(f"Add {_EVIL_COLUMN}")
    project.write("app/models/many.py", _MANY)
    project.append("app/models/__init__.py", "from app.models import many as many\n")
    project.gitmig("report", check=0)
    return Page(project.path("gitmig-report.html"), os.environ["HOME"])


@pytest.fixture
def page() -> Page:
    return _made()


def revisions(page: Page) -> list[str]:
    """All revisions, newest first."""
    return [one["revision"] for one in page.ask("log")["revisions"]]


def test_it_opens_from_a_file_and_asks_for_nothing(browser: Browser, page: Page) -> None:
    browser.open(page.path)
    assert browser.run("return document.title") == "shop: the schema over time"
    assert browser.run("return performance.getEntriesByType('resource').length") == 0
    assert browser.complaints() == []
    rows = browser.texts("#timeline button")
    ids = revisions(page)
    assert "work tree" in rows[0]
    shown = [id for row in rows for id in ids if id in row]
    assert shown == ids
    (applied,) = [row for row in rows if "app.db" in row]
    assert ids[1] in applied
    assert len([row for row in rows if "v1.0" in row]) == 1
    assert len([row for row in rows if "Say more about" in row]) == 2


def test_even_a_script_that_got_in_could_ask_for_nothing(browser: Browser, page: Page) -> None:
    browser.open(page.path)
    browser.run("document.body.append(Object.assign(new Image(), {src: 'file:///etc/hostname'}))")
    browser.run(
        "const s = document.createElement('script'); s.text = 'document.title = 1'; document.body.append(s)"
    )
    assert browser.run("return document.title") == "shop: the schema over time"
    assert len([one for one in browser.complaints() if "Content Security Policy" in one]) == 2


def lines(browser: Browser, selector: str) -> list[tuple[str, str]]:
    """Sign and text of the changes below an element."""
    found = browser.run(
        """return [...document.querySelectorAll(arguments[0])]
        .map((line) => [line.dataset.sign, line.lastChild.innerText])""",
        f"{selector} ul .line",
    )
    return [(sign, text) for sign, text in found]


def expected(changes: list[dict[str, str]], kind: str = "column") -> list[tuple[str, str]]:
    """What the JSON of a command says of columns."""
    return [
        (one["sign"], f"{one['name']} {one['after'] or one['before']}")
        for one in changes
        if one["kind"] == kind
    ]


def test_the_change_of_a_revision_is_what_show_says(browser: Browser, page: Page) -> None:
    browser.open(page.path)
    for revision in revisions(page)[::4]:
        browser.go(page.at(revision, "change"))
        answer = page.ask("show", revision)
        shown = lines(browser, "#change .changes")
        assert set(expected(answer["changes"])) <= set(shown)
        assert len(shown) == len([change for change in answer["changes"] if change["kind"] != "table"])
        assert answer["introduced"][:8] in browser.one("#change dl").text
        assert answer["author"]["name"] in browser.one("#facts").text


def test_any_two_points_can_be_compared(browser: Browser, page: Page) -> None:
    ids = revisions(page)
    browser.open(page.path, "tab=difference")
    for a, b in [(ids[-1], ids[0]), (ids[1], ids[-3]), ("base", ids[8]), (ids[4], ids[4])]:
        browser.choose("#from", a)
        browser.choose("#to", b)
        answer = page.ask("diff", a, b)
        count = len(answer["changes"])
        said = browser.one("#differs").text
        assert f"{count} differences" in said or count == 0
        assert ("They have the same schema." in said) == answer["equal"]
        renamed = [f"{one['table']}.{one['old']} → {one['table']}.{one['new']}" for one in answer["renames"]]
        assert [line for line in browser.texts("#differs .plain li")] == renamed
        tables = {change["table"] for change in answer["changes"]}
        assert set(browser.texts("#differs .group button")) == tables
        assert set(expected(answer["changes"])) <= set(lines(browser, "#differs .changes"))
    browser.choose("#from", ids[3])
    before = browser.texts("#differs .sign")
    browser.button("Swap").click()
    assert browser.one("#to").get_property("value") == ids[3]
    assert len(browser.texts("#differs .sign")) == len(before)
    browser.choose("#from", "database 0")
    assert browser.one("#from").get_property("value") == "database 0"


def test_the_tables_at_any_revision(browser: Browser, page: Page) -> None:
    ids = revisions(page)
    browser.open(page.path)
    for revision in ids[::5]:
        browser.go(page.at(revision, "tables"))
        changes = page.ask("diff", "base", revision)["changes"]
        tables = {change["table"] for change in changes if change["kind"] == "table"}
        assert set(browser.texts("#canvas .head .label")) == tables
        columns = [change for change in changes if change["kind"] == "column"]
        assert len(browser.all("#canvas .table li")) == len(columns)
        references = [change for change in changes if change["kind"] == "foreign key"]
        assert len(browser.all("#canvas path")) == len(references)
        assert overlapping(browser) == []


def overlapping(browser: Browser) -> list[tuple[str, str]]:
    """The tables that lie over each other."""
    boxes = browser.run(
        """return [...document.querySelectorAll("#canvas .table")].map((box) => {
          const at = box.getBoundingClientRect();
          return [box.dataset.name, at.left, at.top, at.right, at.bottom];
        })"""
    )
    return [
        (one[0], other[0])
        for one, other in itertools.combinations(boxes, 2)
        if one[1] < other[3] and other[1] < one[3] and one[2] < other[4] and other[2] < one[4]
    ]


def test_a_hundred_tables_can_be_read(browser: Browser, page: Page) -> None:
    browser.open(page.path, "tab=tables")
    assert browser.one("#shown").text.startswith("99 tables, ")
    assert overlapping(browser) == []
    smallest = browser.run(
        """return Math.min(...[...document.querySelectorAll("#canvas .head")].map((one) => {
          const shown = one.getBoundingClientRect().width / one.offsetWidth;
          return shown * parseFloat(getComputedStyle(one).fontSize);
        }))"""
    )
    assert smallest >= 10
    cut = """return [...document.querySelectorAll("#canvas .head .label")]
        .filter((one) => one.scrollWidth > one.clientWidth && one.textContent.startsWith("many")).length"""
    assert browser.run(cut) == 0
    browser.choose("#focus", "many_01")
    shown = browser.texts("#canvas .head .label")
    assert sorted(shown) == [f"many_{n:02}" for n in (0, 1, 3, 4, 5, *range(7, 14))]
    assert "n0_id INTEGER" in browser.one("#definition").text
    browser.one("#focus").send_keys(Keys.HOME)
    browser.one("#filter").send_keys("many_8")
    browser.wait("document.querySelectorAll('#canvas .table').length === 10")
    browser.one("#larger").click()
    browser.wait("document.getElementById('canvas').style.transform !== 'scale(1)'")


def test_a_table_stands_out_with_its_neighbours(browser: Browser, page: Page) -> None:
    browser.open(page.path, page.at(revisions(page)[0], "tables"))
    browser.run("document.querySelector('[data-table=customer]').focus()")
    near = set(
        browser.run("return [...document.querySelectorAll('.table.near')].map((one) => one.dataset.name)")
    )
    assert "customer" in near
    assert 1 < len(near) < len(browser.all(".table"))
    browser.press(Keys.ENTER)
    assert set(browser.texts("#canvas .head .label")) == near
    assert browser.one("[data-table=customer]").get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("subject", ["customer", "order.name", "order"])
def test_search_leads_to_the_history(browser: Browser, page: Page, subject: str) -> None:
    browser.open(page.path)
    browser.press("/")
    browser.press(subject)
    assert browser.texts("#found [role=option]")[0].split("\n")[0] == subject
    browser.press(Keys.ARROW_DOWN, Keys.ENTER)
    assert browser.one("#history h3").text == subject
    answer = page.ask("why", subject)
    shown = browser.texts("#history .steps > li > .facts")
    assert [line.split(" ")[0] for line in shown] == [one["revision"] for one in answer["reasons"]]
    changes = [change for one in answer["reasons"] for change in one["changes"]]
    assert [sign for sign, _ in lines(browser, "#history .steps")] == [change["sign"] for change in changes]
    assert set(expected(changes)) <= set(lines(browser, "#history .steps"))
    renamed = [f"Renamed from {one['renamed_from']}?" for one in answer["reasons"] if one["renamed_from"]]
    assert browser.texts("#history .steps .hint") == renamed
    assert f"gitmig why {subject}" in browser.one("#history").text


def test_search_finds_revisions_and_says_when_there_is_nothing(browser: Browser, page: Page) -> None:
    browser.open(page.path)
    first = revisions(page)[-1]
    search = browser.one("#search")
    search.send_keys("nothing like it")
    assert browser.texts("#found li") == ["nothing of that name"]
    search.send_keys(Keys.ESCAPE)
    search.clear()
    search.send_keys(first[:6])
    browser.one("#found li").click()
    assert first in browser.one("#facts").text


def test_databases_and_what_moved_them(browser: Browser, page: Page) -> None:
    browser.open(page.path, "tab=databases")
    assert browser.texts("#databases h3") == ["sqlite:///app.db"]
    rows = browser.texts("#databases tbody tr")
    assert len(rows) == 14
    assert all("upgrade" in row and "Ada Lovelace" in row and "@" not in row for row in rows)
    browser.one("#databases dd button").click()
    assert "sqlite:///app.db is here" in browser.one("#facts").text


def test_the_keyboard_is_enough(browser: Browser, page: Page) -> None:
    ids = revisions(page)
    browser.open(page.path, page.at(ids[0], "change"))
    browser.press(Keys.TAB)
    assert browser.focused() == "skip"
    browser.press(Keys.TAB)
    assert browser.focused() == "search"
    browser.press(Keys.TAB)
    assert ids[0] in browser.focused()
    browser.press(Keys.ARROW_DOWN)
    assert ids[1] in browser.focused()
    assert ids[1] in browser.one("#facts").text
    browser.press(Keys.END, Keys.ARROW_UP, Keys.HOME)
    assert "work tree" in browser.focused()
    browser.press(Keys.ARROW_DOWN, Keys.TAB)
    assert browser.focused() == "tab-change"
    browser.press(Keys.ARROW_RIGHT)
    assert browser.focused() == "tab-tables"
    assert browser.one("#tables").is_displayed()
    for expected in ("filter", "detail", "focus", "smaller", "fit", "larger", "frame"):
        browser.press(Keys.TAB)
        assert browser.focused() == expected
    browser.press(Keys.TAB)
    table = browser.focused()
    browser.press(Keys.ARROW_RIGHT)
    assert browser.focused() != table
    browser.press(Keys.ENTER)
    assert browser.one("#definition").text != ""
    browser.driver.back()
    browser.wait("document.getElementById('definition').textContent === ''")


@pytest.mark.parametrize("tab", ["change", "tables", "difference", "history", "databases"])
def test_what_a_screen_reader_is_given(browser: Browser, page: Page, tab: str) -> None:
    browser.open(page.path, page.at(revisions(page)[0], tab))
    found = browser.accessible()
    assert [one for one in found if one[0] not in ("generic", "RootWebArea") and not one[1].strip()] == []
    assert ("combobox", "Find a table, column, revision or commit") in found
    assert ("tab", tab.title()) in found
    if tab == "tables":
        assert ("button", "customer") in found
        assert browser.run("return said.textContent").startswith("9 tables")
        hidden = browser.run(
            "return [...document.querySelectorAll('svg')].every((one) => one.ariaHidden === 'true')"
        )
        assert hidden


_CONTRAST = """
const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
const ground = (e) => {
  const colour = parts(getComputedStyle(e).backgroundColor);
  return colour[3] === 0 && e.parentElement ? ground(e.parentElement) : colour;
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), bad = new Set();
while (walker.nextNode()) {
  const text = walker.currentNode, e = text.parentElement;
  if (!text.data.trim() || !e.checkVisibility() || e.matches("script, option")) continue;
  const [a, b] = [light(parts(getComputedStyle(e).color)), light(ground(e))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) bad.add(`${e.className || e.tagName} ${ratio.toFixed(2)}`);
}
return [...bad];
"""
"""The texts that are hard to see: WCAG asks for a contrast of 4.5."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(browser: Browser, page: Page, scheme: str) -> None:
    browser.media({"prefers-color-scheme": scheme})
    ids = revisions(page)
    browser.open(page.path)
    red = int(browser.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]"))
    assert (red < 64) == (scheme == "dark")
    for words in (
        page.at(ids[0], "change"),
        page.at(ids[0], "tables", focus="customer"),
        page.at(ids[0], "difference", **{"from": ids[-1], "to": ids[0]}),
        page.at(ids[0], "history", subject="customer"),
        page.at(ids[0], "databases"),
    ):
        browser.go(words)
        assert browser.run(_CONTRAST) == []


@pytest.mark.parametrize("width", [320, 700])
def test_a_narrow_window(browser: Browser, page: Page, width: int) -> None:
    browser.size(width, 800)
    browser.open(page.path)
    for tab in ("change", "tables", "difference", "history", "databases"):
        browser.go(page.at(revisions(page)[0], tab, subject="customer"))
        assert browser.run("return document.documentElement.scrollWidth") <= width, tab


def test_names_are_never_html(browser: Browser, page: Page) -> None:
    browser.open(page.path)
    for tab in ("change", "tables", "difference"):
        browser.go(page.at("e1e1", tab))
        assert _EVIL in browser.one(f"#{tab}").text
        assert _EVIL_COLUMN in browser.one(f"#{tab}").text
    browser.go(page.at("e1e1", "history", subject=f"{_EVIL}.{_EVIL_COLUMN}"))
    assert browser.texts("#history .steps > li > button") == [f"Add {_EVIL}"]
    browser.press("/")
    browser.press("onerror")
    assert browser.texts("#found .label")[0] == _EVIL
    assert browser.all("#page img, #page script, header img") == []
    assert browser.run("return document.title") == "shop: the schema over time"
    assert browser.complaints() == []


def test_an_address_can_be_passed_on(browser: Browser, page: Page) -> None:
    first = revisions(page)[-1]
    browser.open(page.path, page.at(first, "difference", **{"from": "base", "to": first}))
    assert browser.one("#from").get_property("value") == "base"
    assert browser.one("#timeline [aria-current]").is_displayed()
    browser.go("at=nothing&tab=nothing")
    assert browser.one("#tab-change").get_attribute("aria-selected") == "true"
    assert browser.complaints() == []

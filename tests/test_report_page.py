"""The page that ``gitmig report`` writes, opened from a file and used in a real Chromium."""

from __future__ import annotations

import itertools

import pytest

from tests.browser import Browser, Keys
from tests.report_pages import EVIL, EVIL_COLUMN, Page, made


@pytest.fixture
def page() -> Page:
    return made()


def test_it_opens_from_a_file_and_asks_for_nothing(browser: Browser, page: Page) -> None:
    browser.open(page.path)
    assert browser.run("return document.title") == "shop: the schema over time"
    assert browser.run("return performance.getEntriesByType('resource').length") == 0
    assert browser.complaints() == []
    rows = browser.texts("#timeline button")
    ids = page.revisions()
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
    for revision in page.revisions()[::4]:
        browser.go(page.at(revision, "change"))
        answer = page.ask("show", revision)
        shown = lines(browser, "#change .changes")
        assert set(expected(answer["changes"])) <= set(shown)
        assert len(shown) == len([change for change in answer["changes"] if change["kind"] != "table"])
        assert answer["introduced"][:8] in browser.one("#change dl").text
        assert answer["author"]["name"] in browser.one("#facts").text


def test_any_two_points_can_be_compared(browser: Browser, page: Page) -> None:
    ids = page.revisions()
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
    ids = page.revisions()
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
    browser.open(page.path, page.at(page.revisions()[0], "tables"))
    browser.run("document.querySelector('[data-table=customer]').focus()")
    near = set(
        browser.run("return [...document.querySelectorAll('.table.near')].map((one) => one.dataset.name)")
    )
    assert "customer" in near
    assert 1 < len(near) < len(browser.all(".table"))
    browser.press(Keys.ENTER)
    assert set(browser.texts("#canvas .head .label")) == near
    assert browser.one("[data-table=customer]").get_attribute("aria-pressed") == "true"
    assert browser.focused() == "customer"
    browser.press(Keys.ENTER)
    assert len(browser.all(".table")) > len(near)
    assert browser.focused() == "customer"


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
    first = page.revisions()[-1]
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


def test_names_are_never_html(browser: Browser, page: Page) -> None:
    browser.open(page.path)
    for tab in ("change", "tables", "difference"):
        browser.go(page.at("e1e1", tab))
        assert EVIL in browser.one(f"#{tab}").text
        assert EVIL_COLUMN in browser.one(f"#{tab}").text
    browser.go(page.at("e1e1", "tables", focus=EVIL))
    assert f"{EVIL_COLUMN} VARCHAR(9) DEFAULT '<b>'" in browser.one("#definition").text
    browser.go(page.at("e1e1", "history", subject=f"{EVIL}.{EVIL_COLUMN}"))
    assert browser.texts("#history .steps > li > button") == [f"Add {EVIL}"]
    browser.press("/")
    browser.press("onerror")
    assert browser.texts("#found .label")[0] == EVIL
    assert browser.all("#page img, #page script, header img") == []
    assert browser.run("return document.title") == "shop: the schema over time"
    assert browser.complaints() == []


def test_an_address_can_be_passed_on(browser: Browser, page: Page) -> None:
    first = page.revisions()[-1]
    browser.open(page.path, page.at(first, "difference", **{"from": "base", "to": first}))
    assert browser.one("#from").get_property("value") == "base"
    assert browser.one("#timeline [aria-current]").is_displayed()
    browser.go("at=nothing&tab=nothing")
    assert browser.one("#tab-change").get_attribute("aria-selected") == "true"
    assert browser.complaints() == []

"""The page of ``gitmig report`` with keys, for a screen reader, in light and dark, and in a narrow window."""

from __future__ import annotations

import pytest

from tests.browser import Browser, Keys
from tests.report_pages import Page, made


@pytest.fixture
def page() -> Page:
    return made()


def test_the_keyboard_is_enough(browser: Browser, page: Page) -> None:
    ids = page.revisions()
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
    browser.button(f"History of {browser.one('#definition h3').text}").send_keys(Keys.ENTER)
    assert browser.focused() == "main"
    browser.driver.back()
    browser.driver.back()
    browser.wait("document.getElementById('definition').textContent === ''")


@pytest.mark.parametrize("tab", ["change", "tables", "difference", "history", "databases"])
def test_what_a_screen_reader_is_given(browser: Browser, page: Page, tab: str) -> None:
    browser.open(page.path, page.at(page.revisions()[0], tab))
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
    ids = page.revisions()
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
        browser.go(page.at(page.revisions()[0], tab, subject="customer"))
        assert browser.run("return document.documentElement.scrollWidth") <= width, tab

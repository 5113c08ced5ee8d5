"""Takes the pictures of docs/seeing.md, as WebP: ``python -m tests.screenshots``.

Of a shop with 12 tables and 24 revisions, and of one with a hundred tables.
"""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path

from tests.browser import Browser
from tests.shop import shop
from tests.story import Project

_ASSETS = Path(__file__).resolve().parent.parent / "docs" / "assets"
PERSON = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ada Lovelace"), ("EMAIL", "ada@example.org"))
}
"""Who commits in the projects."""


def main() -> None:
    """Make the projects and their pages, and take the pictures."""
    os.environ.update(PERSON)
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small"), Path(folder, "large")
        small.mkdir()
        large.mkdir()
        project = shop(small, tables=12, revisions=24, remarks=3)
        project.git("tag", "v1.0", "HEAD~12")
        project.git("tag", "v1.1", "HEAD~3")
        project.gitmig("upgrade", "--yes", check=0)
        project.gitmig("rollback", "-2", "--yes", "--database-only", check=0)
        many = shop(large, tables=100, revisions=10)
        pages = [_page(one) for one in (project, many)]
        browser = Browser(Path(folder, "chromium"))
        browser.reset()
        browser.size(1200, 780)
        ids = [one["revision"] for one in project.gitmig("log", "--json").json["revisions"]]
        _take(browser, pages[0], "report-difference.webp", f"tab=difference&from={ids[12]}&to={ids[3]}")
        _take(browser, pages[0], "report-tables.webp", "tab=tables&focus=customer")
        _take(browser, pages[0], "report-history.webp", "tab=history&subject=order")
        browser.media({"prefers-color-scheme": "dark"})
        _take(browser, pages[1], "report-hundred-tables.webp", "tab=tables")
        browser.close()


def _page(project: Project) -> Path:
    project.gitmig("report", check=0)
    return project.path("gitmig-report.html")


def _take(browser: Browser, page: Path, name: str, words: str) -> None:
    browser.open(page, words)
    browser.run("document.activeElement.blur(); return document.fonts.ready.then(() => null)")
    wanted = {"format": "webp", "quality": 80}
    picture = browser.driver.execute_cdp_cmd("Page.captureScreenshot", wanted)["data"]
    (_ASSETS / name).write_bytes(base64.b64decode(picture))


if __name__ == "__main__":
    main()

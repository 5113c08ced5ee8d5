"""A real Chromium, without a window, driven as a person does it: by clicks and keys."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys as Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE = 20.0
"""Seconds to wait for what must happen."""


class NoBrowser(Exception):
    """There is no Chromium, or no driver of it; the message says which."""


class Browser:
    """One window."""

    def __init__(self, folder: Path) -> None:
        """Start it; ``folder`` is its own. Raises NoBrowser."""
        binary = next((found for name in _NAMES if (found := shutil.which(name))), None)
        driver = shutil.which("chromedriver")
        if binary is None or driver is None:
            missing = "chromium" if binary is None else "chromedriver"
            raise NoBrowser(f"{missing} is not installed (.ci/chromium does it)")
        options = webdriver.ChromeOptions()
        options.binary_location = binary
        flags = ["headless=new", "disable-gpu", "disable-dev-shm-usage", "hide-scrollbars",
                 f"user-data-dir={folder}", "force-color-profile=srgb"]  # fmt: skip
        # As root, its own sandbox cannot be had.
        flags += ["no-sandbox"] if os.geteuid() == 0 else []
        for flag in flags:
            options.add_argument(f"--{flag}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        try:
            self.driver = webdriver.Chrome(options=options, service=Service(driver))
        except WebDriverException as error:
            raise NoBrowser(f"{binary} does not start: {error.msg}") from error

    def close(self) -> None:
        """End it."""
        self.driver.quit()

    def reset(self) -> None:
        """A wide, light window with nothing in it; what was logged so far is forgotten."""
        self.driver.get("about:blank")
        self.size(1400, 900)
        self.media({})
        self.driver.get_log("browser")  # type: ignore[no-untyped-call]

    def size(self, width: int, height: int) -> None:
        """As large as that."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def media(self, features: dict[str, str]) -> None:
        """What the person prefers: ``{"prefers-color-scheme": "dark"}``."""
        listed = [{"name": name, "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": listed})

    def open(self, path: Path, words: str = "") -> None:
        """Open a file; ``words`` stand behind its ``#``."""
        self.driver.get("about:blank")
        self.driver.get(f"{path.as_uri()}#{words}")

    def go(self, words: str) -> None:
        """Have other words in the address."""
        self.run("location.hash = arguments[0]", words)
        self.run("return new Promise((done) => setTimeout(done))")

    def run(self, script: str, *arguments: object) -> Any:
        """What a function with this body returns."""
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[WebElement]:
        """The elements that a selector of CSS finds."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """The first of them, which must be there."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """Their texts as they are shown, those that are hidden left out."""
        script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)"
        found: list[str] = self.run(script, selector)
        return found

    def button(self, text: str) -> WebElement:
        """The button with this text."""
        (found,) = [one for one in self.all("button") if one.text == text and one.is_displayed()]
        return found

    def choose(self, selector: str, value: str) -> None:
        """Choose an option by its value."""
        Select(self.one(selector)).select_by_value(value)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def focused(self) -> Any:
        """What tells the element that has the focus: its id, its text or its name."""
        return self.run(
            "const e = document.activeElement; return e.id || e.innerText || e.getAttribute('aria-label')"
        )

    def wait(self, script: str, *arguments: object) -> None:
        """Wait until a script says so."""
        WebDriverWait(self.driver, _PATIENCE, 0.05).until(
            lambda driver: driver.execute_script(f"return {script}", *arguments), message=script
        )

    def complaints(self) -> Sequence[str]:
        """What the page made the browser say: errors, what was forbidden."""
        logged: list[dict[str, str]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in logged]

    def accessible(self) -> list[tuple[str, str]]:
        """What a screen reader is given: role and name of each thing that can be focused."""
        nodes = self.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        found = []
        for node in nodes:
            focusable = [p for p in node.get("properties", []) if p["name"] == "focusable"]
            if not node["ignored"] and focusable and focusable[0]["value"]["value"]:
                found.append((node["role"]["value"], node.get("name", {}).get("value", "")))
        return found

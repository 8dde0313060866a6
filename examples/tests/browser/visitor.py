"""A visitor of the console, in a real Chromium.

`ARGUMENTS` and `CHROMIUM` are those of `cors/tests/browser/driver.py`, which the test puts into the path.
"""

import json
import sys
from contextlib import contextmanager

from driver import ARGUMENTS, CHROMIUM
from playwright.sync_api import expect, sync_playwright

# Longer than any wait of a test that passes.
expect.set_options(timeout=30_000)

# What Chromium says of answers that this page asks for: refusals, and what CORS keeps back.
EXPECTED = ("Failed to load resource", "blocked by CORS policy")


class Visitor:
    """A page of the console, as a person has it."""

    def __init__(self, browser, url, **context):
        self.url = url
        self.page = browser.new_context(**context).new_page()
        self.faults = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self.hear)
        self.page.goto(url)
        expect(self.page.locator("html[data-ready]")).to_be_attached()

    def hear(self, message):
        if message.type == "error" and not any(part in message.text for part in EXPECTED):
            self.faults.append(message.text)

    def part(self, title):
        """The section with this heading."""
        return self.page.get_by_role("region", name=title, exact=True)

    def press(self, title, button):
        self.part(title).get_by_role("button", name=button, exact=True).click()

    def sees(self, title, *texts):
        """Waits until the part tells this."""
        for text in texts:
            expect(self.part(title).locator(".told")).to_contain_text(text)

    def does(self, title, button, *texts):
        self.press(title, button)
        self.sees(title, *texts)
        # A part does one thing at a time.
        expect(self.part(title)).not_to_have_attribute("aria-busy", "true")

    def is_off(self, title, button, why):
        """It says why when it is pressed: so it can be reached, and is no button that does nothing."""
        button = self.part(title).get_by_role("button", name=button, exact=True)
        expect(button).to_have_attribute("aria-disabled", "true")
        button.press("Enter")
        self.sees(title, why)

    def wire(self, title):
        """The newest exchange of a part: its request, and its answer."""
        newest = self.part(title).locator("details").first
        return newest.locator("pre").first, newest.locator("pre").last

    def answered(self, title, *texts):
        for text in texts:
            expect(self.wire(title)[1]).to_contain_text(text)

    def stands(self, balance, transfers):
        expect(self.page.locator("#balance")).to_have_text(str(balance))
        expect(self.page.locator("#transfers")).to_have_text(str(transfers))

    def is_laid(self, stone):
        """Its stone is in the wall, and not only by its colour."""
        expect(self.page.get_by_role("link", name=f"{stone} (seen)", exact=True)).to_be_visible()

    def ends_well(self):
        assert self.faults == [], self.faults


def order(what):
    """Has the test do something to the service, and gives what it says."""
    print(json.dumps(what), flush=True)
    return json.loads(sys.stdin.readline())


@contextmanager
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visitor(url, **context):
    with chromium() as browser:
        visitor = Visitor(browser, url, **context)
        yield visitor
        visitor.ends_well()

"""How the page looks and is used: on a phone, in the dark, by keyboard alone, and by whoever does not see it."""

import os

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from visitor import visitor

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 1040}

STYLE = "(element, name) => getComputedStyle(element)[name]"
FOCUSED = "document.activeElement.textContent.trim()"

# Everything that has text in it, so that long words, tables and frames are there.
ALL = [
    ("Pay once", "Pay 100", "Paid."),
    ("Pay once", "Send the very same again", "Replayed"),
    ("Ask less", "Ask once", "Served."),
    ("Turn pages", "Make some transfers", "There are 7"),
    ("Turn pages", "First page", "Page 1."),
    ("Keep old clients", "The same in v1", "an amount is a number"),
    ("Keep old clients", "See a transfer in v2", "has a currency"),
    ("Read along", "Read along", "Reading along."),
    ("Other origins", "Ask from there", "may read it"),
    ("Be told", "Sign and send", "204"),
    ("Tell", "Name a cloud’s metadata", "Refused."),
]


# Enough for a picture of a wall that is being built.
SOME = 7


def tried(me, steps):
    for title, button, text in steps:
        me.does(title, button, text)


def phone(url):
    with visitor(url, viewport=PHONE, device_scale_factor=2, has_touch=True) as me:
        fits(me)
        tried(me, ALL)
        for closed in me.page.locator("summary").all():
            if not closed.evaluate("element => element.parentElement.open"):
                closed.click()
        fits(me)
        is_accessible(me)
        me.page.locator("#idempotency").evaluate("section => section.scrollIntoView({behavior: 'instant'})")
        shoot(me, "phone")


def fits(me):
    width = me.page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], f"{width} px wide"


def keyboard(url):
    with visitor(url, viewport=DESKTOP) as me:
        keys = me.page.keyboard
        keys.press("Tab")
        skip = me.page.get_by_role("link", name="Skip to the stones")
        expect(skip).to_be_focused()
        expect(skip).to_be_in_viewport()
        keys.press("Enter")
        tab_to(me, "Pay 100")
        outline = me.page.evaluate(f"({STYLE})(document.activeElement, 'outlineStyle')")
        assert outline == "solid", outline
        keys.press("Enter")
        me.sees("Pay once", "Paid.")
        # What happened is told without taking the focus away.
        expect(me.part("Pay once").get_by_role("button", name="Pay 100")).to_be_focused()
        expect(me.part("Pay once").get_by_role("status")).to_contain_text("Paid.")
        tab_to(me, "Send the very same again")
        keys.press("Space")
        me.sees("Pay once", "Replayed, not repeated.", "1 made, balance 900")
        tab_to(me, "POST")
        keys.press("Enter")
        expect(me.part("Pay once").locator("details").first).not_to_have_attribute("open", "")


def tab_to(me, text):
    for _ in range(40):
        me.page.keyboard.press("Tab")
        if me.page.evaluate(FOCUSED).startswith(text):
            return
    raise AssertionError(f"{text} cannot be reached")


def light_and_dark(url):
    with visitor(url, viewport=DESKTOP, reduced_motion="reduce") as me:
        bodies = {}
        for steps in [ALL[:SOME], ALL[SOME:]]:
            tried(me, steps)
            for scheme in ["light", "dark"]:
                me.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                bodies[scheme] = me.page.locator("body").evaluate(STYLE, "backgroundColor")
                is_accessible(me)
                if steps[0] == ALL[0]:
                    me.page.evaluate("scrollTo(0, 0)")
                    shoot(me, f"desktop-{scheme}")
        assert bodies["light"] == "rgb(243, 241, 236)" and bodies["dark"] == "rgb(26, 25, 23)", bodies


def motion(url):
    with visitor(url) as me:
        stone = me.page.locator(".wall a").first
        assert stone.evaluate(STYLE, "transitionDuration") != "0s"
        me.page.emulate_media(reduced_motion="reduce")
        assert stone.evaluate(STYLE, "transitionDuration") == "0s"
        assert me.page.locator("html").evaluate(STYLE, "scrollBehavior") == "auto"


def is_accessible(me):
    """Contrast, names, landmarks and what else axe knows of."""
    found = Axe().run(me.page)
    assert found.violations_count == 0, found.generate_report()


def shoot(me, name):
    """Keeps a picture, if a folder is named."""
    folder = os.environ.get("STONEWORK_SCREENSHOTS")
    if folder:
        me.page.screenshot(path=os.path.join(folder, f"{name}.png"), animations="disabled")

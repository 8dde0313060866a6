"""A service that is no demonstration: the page opens, and says what is off."""

from playwright.sync_api import expect
from visitor import visitor

OFF = "This is off: the service was started with DEMO=0."


def without_demo(url):
    with visitor(url) as me:
        expect(me.page.locator("#mode")).to_contain_text("DEMO=0")
        for title, button in [
            ("Pay once", "Pay, and lose the answer"),
            ("Ask less", "Drain it"),
            ("Other origins", "Ask from there"),
            ("Be told", "Sign and send"),
            ("Tell", "Pay 10, and watch"),
        ]:
            me.is_off(title, button, OFF)
        me.does("Pay once", "Pay 100", "Paid.")
        me.does("Pay once", "Send the very same again", "Replayed, not repeated.")
        me.does("Turn pages", "Make some transfers", "There are 7 transfers")
        me.does("Keep old clients", "The same in v1", "an amount is a number")
        me.does("Read along", "Read along", "Reading along.")
        me.does("Tell", "Name a receiver of this page", "Refused, as it should be.")

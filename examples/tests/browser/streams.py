"""Events, through restarts of the service."""

import json
import urllib.request

from playwright.sync_api import expect
from visitor import order, visitor

READ = "Read along"


def events_in_memory(url):
    """A service that ends in order, and another one on its port: its log is new, and so is its money."""
    with visitor(url) as me:
        begin(me)
        order("terminate")
        shows(me, "Reconnecting")
        order("start")
        me.press(READ, "Reconnect now")
        me.sees(READ, "Resumed with a gap (replaced)")
        shows(me, "Live")
        expect(log(me, "gap")).to_have_count(1)
        me.stands(1000, 0)
        me.press(READ, "Pay 1")
        expect(log(me, "transfer")).to_have_count(2)
        me.press(READ, "Stop reading")
        shows(me, "Not reading")


def events_in_redis(url):
    """A service that is killed; another one is told of a transfer meanwhile."""
    with visitor(url) as me:
        begin(me)
        order("kill")
        shows(me, "Reconnecting")
        pay(order("elsewhere"), me.page.get_by_role("textbox", name="Account").input_value())
        order("start")
        me.sees(READ, "Resumed after")
        expect(log(me, "transfer").first).to_contain_text('"balance":992')
        expect(log(me, "transfer")).to_have_count(2)
        expect(log(me, "gap")).to_have_count(0)
        expect(me.wire(READ)[0]).to_contain_text("last-event-id")
        me.press(READ, "Pay 1")
        expect(log(me, "transfer").first).to_contain_text('"balance":991')
        expect(log(me, "transfer")).to_have_count(3)


def begin(me):
    shows(me, "Not reading")
    me.does(READ, "Read along", "Reading along.")
    shows(me, "Live")
    me.press(READ, "Pay 1")
    expect(log(me, "transfer")).to_have_count(1)
    expect(log(me, "transfer")).to_contain_text('"balance":999')
    me.is_laid(READ)


def shows(me, state):
    expect(me.part(READ).locator(".state")).to_have_text(state)


def log(me, kind):
    return me.part(READ).get_by_role("list", name="Events, the newest first").locator(f".{kind}")


def pay(url, account):
    body = json.dumps({"to": "bob", "amount": {"value": 7, "currency": "USD"}}).encode()
    headers = {"authorization": f"Bearer {account}", "content-type": "application/json"}
    request = urllib.request.Request(f"{url}v2/transfers", body, headers)
    # No proxy of the environment.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    assert opener.open(request).status == 201

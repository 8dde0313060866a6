"""What is seen of keys, limits, pages and versions."""

import re

from playwright.sync_api import expect
from visitor import visitor

PAY, ASK, TURN, OLD = "Pay once", "Ask less", "Turn pages", "Keep old clients"


def idempotency(url):
    with visitor(url) as me:
        me.does(PAY, "Send the very same again", "Pay first")
        me.does(PAY, "Pay 100", "Paid.", "balance 900")
        paid = transfer(me)
        me.does(PAY, "Send the very same again", "Replayed, not repeated.", "1 made, balance 900")
        assert transfer(me) == paid
        me.answered(PAY, "idempotent-replayed: true")
        me.stands(900, 1)
        expect(me.wire(PAY)[0]).to_contain_text("curl -i " + url)
        me.does(PAY, "Same key, another amount", "Refused:", "urn:stonework:idempotency:key-reused")
        me.does(PAY, "Pay, and lose the answer", "The answer is lost.", "balance 800")
        # Until then it is refused, and not started again.
        me.does(PAY, "Retry what was lost", "The lost answer is here.", "2 made, balance 800")
        me.answered(PAY, "idempotent-replayed: true")
        me.stands(800, 2)
        me.is_laid(PAY)


def transfer(me):
    return me.part(PAY).locator(".told code").first.inner_text()


def limits(url):
    with visitor(url) as me:
        bucket = me.part(ASK).get_by_role("img")
        expect(bucket).to_have_accessible_name("5 of 5 left")
        me.does(ASK, "Ask once", "Served. 4 left of 5")
        me.answered(ASK, 'ratelimit-policy: "console";q=5;w=10')
        me.does(ASK, "Drain it", "Drained, and refilled.")
        served, refused = me.part(ASK).locator("details").all()[:2]
        expect(served.locator(".status")).to_have_text("204")
        expect(refused.locator(".status")).to_have_text("429")
        refused.locator("summary").click()
        for text in ['ratelimit: "console";r=0;t=[12]', "retry-after: [12]", "Quota exceeded"]:
            expect(refused.locator("pre").last).to_contain_text(re.compile(text))
        # What flows in is seen without asking.
        expect(bucket).to_have_accessible_name("5 of 5 left")
        me.page.get_by_role("button", name="Another one").click()
        me.does(ASK, "Ask once", "Served. 4 left of 5")


def pages(url):
    with visitor(url) as me:
        me.does(TURN, "Next page", "Begin with the first page.")
        me.does(TURN, "First page", "There are none yet.")
        me.does(TURN, "Make some transfers", "There are 7 transfers")
        read = []
        me.does(TURN, "First page", "Page 1.")
        read += amounts(me)
        me.answered(TURN, 'rel="next"')
        me.does(TURN, "Next page", "Page 2.")
        read += amounts(me)
        me.does(TURN, "Next page", "Page 3.", "it is the last")
        read += amounts(me)
        assert read == ["7", "6", "5", "4", "3", "2", "1"], read
        me.does(TURN, "Next page", "That was the last page.")
        me.part(TURN).get_by_label("Order").select_option("oldest first")
        me.does(TURN, "First page", "Page 1.")
        assert amounts(me) == ["1", "2", "3"]
        me.is_laid(TURN)


def amounts(me):
    rows = me.part(TURN).get_by_role("row")
    return rows.locator("td.number").all_inner_texts()


def versions(url):
    with visitor(url) as me:
        me.does(OLD, "See a transfer in v2", "an amount has a currency")
        me.does(OLD, "The same in v1", "since 1 September 2026, served until 1 September 2036")
        me.answered(OLD, "deprecation: @1788220800", "sunset: Mon, 01 Sep 2036", "successor-version")
        first, second = me.part(OLD).get_by_role("figure").all()
        expect(first).to_contain_text(re.compile('"amount": 25,'))
        expect(second).to_contain_text('"currency": "USD"')
        me.does(OLD, "Ask for both at once", "one version in the path and another in the query")
        me.is_laid(OLD)

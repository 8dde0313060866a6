"""Webhooks, in and out."""

from visitor import visitor

TOLD, TELL = "Be told", "Tell"


def webhooks(url):
    with visitor(url) as me:
        me.does(TOLD, "Deliver it again", "Send one first.")
        me.does(TOLD, "Sign and send", "204: genuine, and handled. This console has sent 1 events")
        me.does(TOLD, "Deliver it again", "200: known, and not handled again. Still 1 that count")
        me.does(TOLD, "Change it on the way", "401: somebody has changed it.")
        me.answered(TOLD, "urn:stonework:webhook-sign:unauthenticated")
        me.does(TOLD, "Sign and send", "This console has sent 2 events")
        assert "whsec_" not in me.page.content(), "the secret is nowhere on the page"
        me.is_laid(TOLD)


def deliveries_are_guarded(url):
    with visitor(url) as me:
        me.does(TELL, "Name a cloud’s metadata", "Refused.", "urn:stonework:payments:forbidden-url")
        me.does(TELL, "Name a receiver of this page", "Refused, as it should be.", "WEBHOOK_ALLOW_LOOPBACK=1")
        me.answered(TELL, "422")
        me.is_off(TELL, "Pay 10, and watch", "start the service with WEBHOOK_ALLOW_LOOPBACK=1")
        me.is_laid(TELL)


def deliveries(url):
    with visitor(url) as me:
        me.does(TELL, "Name a cloud’s metadata", "Refused.")
        me.does(TELL, "Name a receiver of this page", "Registered.")
        me.does(TELL, "Pay 10, and watch", "Delivered at attempt ")
        attempts = me.part(TELL).get_by_role("list", name="Attempts").get_by_role("listitem")
        *before, last = [text.rsplit(": ", 1)[1] for text in attempts.all_inner_texts()]
        # An answer that was too late has a word for a status.
        assert len(before) >= 2 and all(said == "503" or not said.isdigit() for said in before), before
        assert last == "204", last
        me.answered(TELL, '"state":"delivered"')

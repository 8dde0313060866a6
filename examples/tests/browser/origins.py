"""Pages of other origins: what they may read, and what only the console is told."""

from urllib.parse import urlsplit

from playwright.sync_api import expect
from visitor import chromium, visitor

OTHER = "Other origins"
ASK = "Ask from there"

# What a page of this origin gets when it asks for this address.
FETCH = """async (url) => {
    try {
        return await (await fetch(url)).text();
    } catch (error) {
        return String(error);
    }
}"""

FETCH_ACCOUNT = """async (url) => {
    const headers = {authorization: 'Bearer anybody'};
    return await (await fetch(url, {headers})).text();
}"""


def cors(url):
    port = urlsplit(url).port
    with visitor(url) as me:
        me.does(OTHER, ASK, f"A page of origin http://localhost:{port} may read it: 200.")
        expect(me.wire(OTHER)[1]).to_contain_text('"balance":1000')
        me.part(OTHER).get_by_label("and sends").select_option("GET with x-secret too")
        kept(me, f"http://localhost:{port}", "header-not-allowed", "this:    x-secret")
        me.part(OTHER).get_by_label("and sends").select_option("PUT with the token")
        me.does(OTHER, ASK, "may read it: 405.")
        me.part(OTHER).get_by_label(f"http://partner.localhost:{port}").check()
        kept(me, f"http://partner.localhost:{port}", "origin-not-allowed", "answered here with 403")
        me.part(OTHER).get_by_label("a sandboxed frame").check()
        kept(me, "null", "origin-null", "this:    null")
        me.is_laid(OTHER)


def cors_by_its_other_name(url):
    url = url.replace("127.0.0.1", "localhost")
    with visitor(url) as me:
        me.does(OTHER, ASK, f"A page of origin http://127.0.0.1:{urlsplit(url).port} may read it: 200.")
        me.part(OTHER).get_by_label("a sandboxed frame").check()
        kept(me, "null", "origin-null", "this:    null")


def cors_allows_the_partner(url):
    port = urlsplit(url).port
    with visitor(url) as me:
        kept(me, f"http://localhost:{port}", "origin-not-allowed", f"this:    http://localhost:{port}")
        me.part(OTHER).get_by_label(f"http://partner.localhost:{port}").check()
        me.does(OTHER, ASK, f"A page of origin http://partner.localhost:{port} may read it: 200.")


def kept(me, origin, reason, policy):
    me.does(OTHER, ASK, f"All that a page of origin {origin} is told: TypeError: Failed to fetch", reason)
    expect(me.part(OTHER).locator(".why")).to_contain_text(policy)


def others_learn_nothing(url):
    """Not even a page whose origin may use the API."""
    port = urlsplit(url).port
    paths = ["about", "webhook-secret", "explain?origin=null&method=GET", "drip"]
    with chromium() as browser:
        for name in ["localhost", "partner.localhost"]:
            # The policy of that page would stop it before the service does.
            page = browser.new_context(bypass_csp=True).new_page()
            page.goto(f"http://{name}:{port}/console/probe")
            for path in paths:
                assert page.evaluate(FETCH, f"{url}console/{path}") == "TypeError: Failed to fetch", path
            if name == "localhost":
                assert '"balance":' in page.evaluate(FETCH_ACCOUNT, f"{url}v2/account"), "this one may be read"
        # Nor does the page itself under a name that is not the console's.
        page = browser.new_page()
        page.goto(f"http://partner.localhost:{port}/")
        expect(page.locator("#mode")).to_contain_text("open this page as http://127.0.0.1 or http://localhost")


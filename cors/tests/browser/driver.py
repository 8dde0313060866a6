"""Runs scripts in pages of a real Chromium, and prints one JSON line for each.

A line on standard input is {"page": URL, "script": "the body of an async function"}. The line that
comes back has what the script returned, and what DevTools was told of requests that failed.
"""

import json
import os
import sys
import time

try:
    from playwright.sync_api import Error, sync_playwright
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh browser, which installs cors/tests/browser/requirements.txt")

CHROMIUM = os.environ.get("STONEWORK_CHROMIUM", "/usr/bin/chromium")

ARGUMENTS = [
    # Names that nobody owns lead to this machine, so that a test has as many hosts as it likes. Left to
    # itself, Chromium takes `localhost` for ::1 first, where anybody may listen on a port of ours.
    "--host-resolver-rules=MAP *.example.test 127.0.0.1, MAP localhost 127.0.0.1",
    # There is nothing to be kept apart from but these tests, who may be root in a small container.
    "--no-sandbox",
    "--disable-dev-shm-usage",
]

# Longer than any wait of a test that passes.
DEADLINE = 30


class Requests:
    """The requests of a page, as DevTools tells of them."""

    def __init__(self, session):
        self.open, self.failed = {}, []
        session.on("Network.requestWillBeSent", self.begin)
        session.on("Network.loadingFinished", self.end)
        session.on("Network.loadingFailed", self.fail)
        session.send("Network.enable")

    def begin(self, event):
        # A preflight is told of as a part of its request, and a stream does not end.
        if event.get("type") not in ("Preflight", "EventSource"):
            self.open[event["requestId"]] = event["request"]["url"]

    def end(self, event):
        self.open.pop(event["requestId"], None)

    def fail(self, event):
        self.open.pop(event["requestId"], None)
        status = event.get("corsErrorStatus")
        if status:
            self.failed.append({"error": status["corsError"], "parameter": status["failedParameter"]})


def run(browser, order):
    context = browser.new_context()
    try:
        page = context.new_page()
        console = []
        page.on("console", lambda message: console.append(message.text))
        page.goto(order["page"])
        requests = Requests(context.new_cdp_session(page))
        try:
            said = {"result": page.evaluate("async () => {" + order["script"] + "}")}
        except Error as error:
            said = {"error": str(error)}
        settle(page, requests)
        return said | {"cors": requests.failed, "console": console}
    finally:
        context.close()


def settle(page, requests):
    """Until DevTools has told how each request ended."""
    end = time.monotonic() + DEADLINE
    while requests.open:
        if time.monotonic() > end:
            raise TimeoutError(f"no end of {requests.open}")
        page.wait_for_timeout(5)


def main():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        print(json.dumps({"version": browser.version}), flush=True)
        for line in sys.stdin:
            print(json.dumps(run(browser, json.loads(line))), flush=True)
        browser.close()


if __name__ == "__main__":
    main()

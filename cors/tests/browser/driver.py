"""Runs scripts in pages of a real Chromium, and prints one JSON line for each.

A line on standard input is {"page": URL, "script": "the body of an async function"}. The line that
comes back has what the script returned, and what DevTools was told of requests that failed. So that
they have failed by then, a script awaits what it starts.
"""

import json
import os
import sys

try:
    from playwright.sync_api import Error, sync_playwright
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh browser, which installs cors/tests/browser/requirements.txt")

CHROMIUM = os.environ.get("STONEWORK_CHROMIUM", "/usr/bin/chromium")

ARGUMENTS = [
    # Names that nobody owns lead to this machine, so that a test has as many hosts as it likes. Left to
    # itself, Chromium takes `localhost` for ::1 first, where anybody may listen on a port of ours.
    "--host-resolver-rules=MAP *.example.test 127.0.0.1, MAP localhost 127.0.0.1, "
    "MAP *.localhost 127.0.0.1",
    # There is nothing to be kept apart from but these tests, who may be root in a small container.
    "--no-sandbox",
    "--disable-dev-shm-usage",
]


class Failures:
    """What DevTools is told of requests that CORS stopped."""

    def __init__(self, session):
        self.session, self.all = session, []
        session.on("Network.loadingFailed", self.fail)
        session.send("Network.enable")

    def fail(self, event):
        status = event.get("corsErrorStatus")
        if status:
            self.all.append({"error": status["corsError"], "parameter": status["failedParameter"]})

    def told(self):
        """All of them. A page knows of a failure a little before DevTools does, and what a page tells one
        session is in order: its answer to a question comes after what it had to tell already."""
        self.session.send("Runtime.evaluate", {"expression": "0"})
        return self.all


def run(browser, order):
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(order["page"])
        failures = Failures(context.new_cdp_session(page))
        try:
            said = {"result": page.evaluate("async () => {" + order["script"] + "}")}
        except Error as error:
            said = {"error": str(error)}
        return said | {"cors": failures.told()}
    finally:
        context.close()


def main():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        print(json.dumps({"version": browser.version}), flush=True)
        for line in sys.stdin:
            print(json.dumps(run(browser, json.loads(line))), flush=True)
        browser.close()


if __name__ == "__main__":
    main()

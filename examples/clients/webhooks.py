"""What the programs for webhooks share. An SDK signs and this posts it, or this is posted to and asks an SDK.

`sign URL` prints one JSON line per timestamp: the status that was answered. `verify` prints the port that it serves,
and answers 204 to what the SDK takes, until its input ends. To anything else it answers 401, and what was raised.
"""

import argparse
import http.server
import json
import sys
import threading

try:
    import requests
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--public", help="the origin of the URL, where that is signed")
    commands = parser.add_subparsers(dest="command", required=True)
    signing = commands.add_parser("sign")
    signing.add_argument("url")
    signing.add_argument("--body", required=True)
    signing.add_argument("--at", type=int, action="append", help="seconds since the epoch; may be repeated")
    signing.add_argument("--type", default="application/json", help="of the body")
    signing.add_argument("--algorithm", help="another than the usual one")
    commands.add_parser("verify")
    return parser.parse_args()


def say(**said):
    print(json.dumps(said), flush=True)


def post(args, sign):
    with requests.Session() as session:
        session.trust_env = False
        for at in args.at or [0]:
            headers = {"Content-Type": args.type} | sign(args, at)
            say(status=session.post(args.url, headers=headers, data=args.body.encode()).status_code)


def serve(args, verify):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                status, why = (204, "") if verify(args, self.path, self.headers, body) else (401, "refused")
            except Exception as error:
                status, why = 401, type(error).__name__
            self.send_response(status)
            self.end_headers()
            self.wfile.write(why.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(port=server.server_port)
    sys.stdin.read()


def run(description, sign, verify):
    args = arguments(description)
    if args.command == "sign":
        post(args, sign)
    else:
        serve(args, verify)

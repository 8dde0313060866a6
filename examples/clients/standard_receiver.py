"""Receives webhooks and verifies each with the package standardwebhooks: a line of JSON for its port, and one for each attempt.

The first attempts are answered with 503, as many as it is told, and the others with 204.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

try:
    from standardwebhooks.webhooks import Webhook, WebhookVerificationError
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")

secret, failures = sys.argv[1], int(sys.argv[2])
attempts = 0


def say(**said):
    print(json.dumps(said), flush=True)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        global attempts
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            Webhook(secret).verify(body, dict(self.headers.items()))
            verified = True
        except WebhookVerificationError as error:
            print(error, file=sys.stderr)
            verified = False
        self.send_response(503 if attempts < failures else 204)
        self.send_header("content-length", "0")
        self.end_headers()
        attempts += 1
        say(id=self.headers["webhook-id"], verified=verified, body=body.decode())

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
say(port=server.server_port)
server.serve_forever()

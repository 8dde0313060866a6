"""Signs and verifies requests with Slack's own SDK."""

import sys

from webhooks import run

try:
    from slack_sdk.signature import SignatureVerifier
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def sign(args, at):
    signature = SignatureVerifier(args.secret).generate_signature(timestamp=str(at), body=args.body)
    return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": signature}


def verify(args, _path, headers, body):
    return SignatureVerifier(args.secret).is_valid_request(body, dict(headers.items()))


if __name__ == "__main__":
    run(__doc__, sign, verify)

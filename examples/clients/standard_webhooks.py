"""Signs and verifies webhooks with standardwebhooks, the reference library of Standard Webhooks."""

import sys
from datetime import datetime, timezone

from webhooks import run

try:
    from standardwebhooks import Webhook
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def sign(args, at):
    time = datetime.fromtimestamp(at, timezone.utc)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": Webhook(args.secret).sign("msg_1", time, args.body),
    }


def verify(args, _path, headers, body):
    # As it comes it also reads JSON, which is no part of the signature.
    Webhook(args.secret).verify(body, dict(headers.items()), json_parse=False)
    return True


if __name__ == "__main__":
    run(__doc__, sign, verify)

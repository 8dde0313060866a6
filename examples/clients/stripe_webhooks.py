"""Signs and verifies webhooks with Stripe's own SDK."""

import sys

from webhooks import run

try:
    import stripe
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def sign(args, at):
    generate = stripe.WebhookSignature.generate_signature_header
    return {"Stripe-Signature": generate(args.body, args.secret, at)}


def verify(args, _path, headers, body):
    event = stripe.Webhook.construct_event(body, headers.get("Stripe-Signature"), args.secret)
    return event.object == "event"


if __name__ == "__main__":
    run(__doc__, sign, verify)

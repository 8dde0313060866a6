"""Creates charges with Stripe's own SDK and prints one JSON line per call.

The SDK is used as it comes: it makes the idempotency keys and does the retries. Only the address, the number
of retries and the pauses between them are set.
"""

import argparse
import json
import sys

try:
    import httpx  # noqa: F401  stripe.HTTPXClient needs it
    import stripe
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base_url")
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--http", choices=["requests", "httpx"], default="requests")
    parser.add_argument("--retries", type=int, required=True, help="per call, by the SDK itself")
    parser.add_argument("--key", help="an idempotency key of the caller, in place of the SDK's")
    parser.add_argument("--charges", type=int, default=1, help="how many calls")
    parser.add_argument("--amount", type=int, default=500, help="of the first; each further one is 1 more")
    return parser.parse_args()


def http_client(name):
    if name == "httpx":
        return stripe.HTTPXClient(allow_sync_methods=True)
    return stripe.RequestsClient()


def charge(client, amount, key):
    try:
        made = client.v1.charges.create(
            params={"amount": amount, "currency": "eur", "source": "tok_visa"},
            options={"idempotency_key": key} if key else {},
        )
    except stripe.StripeError as error:
        return {
            "error": type(error).__name__,
            "code": error.error.code if error.error else None,
            "status": error.http_status,
            "replayed": error.headers.get("idempotent-replayed"),
        }
    response = made.last_response
    return {
        "charge": {"id": made.id, "amount": made.amount},
        "status": response.code,
        "replayed": response.headers.get("idempotent-replayed"),
    }


def main():
    args = arguments()
    # With telemetry the SDK would leave a file in the home directory.
    stripe.enable_telemetry = False
    # The SDK waits half a second and more. A test has nothing to gain from that.
    stripe.HTTPClient.INITIAL_DELAY = stripe.HTTPClient.MAX_DELAY = 0.01
    client = stripe.StripeClient(
        args.api_key,
        base_addresses={"api": args.base_url},
        max_network_retries=args.retries,
        http_client=http_client(args.http),
    )
    for n in range(args.charges):
        print(json.dumps(charge(client, args.amount + n, args.key)), flush=True)


if __name__ == "__main__":
    main()

"""Uses charges with Stripe's own SDK in several API versions, and prints one JSON line per version.

The SDK sends the version that it was made for, unless the client or the call names another.
"""

import argparse
import json
import sys

try:
    import stripe
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base_url", nargs="?")
    parser.add_argument("--default", action="store_true", help="only print the version that the SDK is made for")
    parser.add_argument("--do", choices=["create", "retrieve", "list"], default="retrieve")
    parser.add_argument("--version", action="append", default=[], help="empty for that of the SDK")
    parser.add_argument("--per-call", action="store_true", help="the call names the version, not the client")
    return parser.parse_args()


def connect(base_url, version):
    return stripe.StripeClient(
        "sk_test_1", base_addresses={"api": base_url}, max_network_retries=0, stripe_version=version or None
    )


def create(charges, options):
    made = charges.create(params={"amount": 500, "currency": "eur", "source": "tok_visa"}, options=options)
    return made.to_dict(for_json=True), made.last_response


def retrieve(charges, options):
    found = charges.retrieve("ch_1", options=options)
    return found.to_dict(for_json=True), found.last_response


def list_all(charges, options):
    """Page by page, as the SDK does it by itself."""
    page = charges.list(params={"limit": 2}, options=options)
    return [charge.to_dict(for_json=True) for charge in page.auto_paging_iter()], page.last_response


ACTIONS = {"create": create, "retrieve": retrieve, "list": list_all}


def attempt(client, action, options):
    try:
        found, response = action(client.v1.charges, options)
    except stripe.StripeError as error:
        return {
            "error": type(error).__name__,
            "status": error.http_status,
            "message": str(error),
            "code": error.code,
            "param": getattr(error, "param", None),
            "body": error.json_body,
        }
    return {"found": found, "status": response.code, "version": response.headers.get("stripe-version")}


def main():
    args = arguments()
    # With telemetry the SDK would leave a file in the home directory.
    stripe.enable_telemetry = False
    if args.default:
        print(json.dumps(stripe.api_version), flush=True)
        return
    for version in args.version:
        client = connect(args.base_url, None if args.per_call else version)
        options = {"stripe_version": version} if args.per_call else {}
        print(json.dumps(attempt(client, ACTIONS[args.do], options)), flush=True)


if __name__ == "__main__":
    main()

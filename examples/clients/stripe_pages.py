"""Reads whole lists with Stripe's own SDK, and prints one JSON line per size of a page.

The SDK takes the id of the last item that it saw for a cursor, of the first one where it reads backward, and
goes on as long as `has_more` says so.
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
    parser.add_argument("base_url")
    parser.add_argument("--limit", action="append", default=[], type=int, help="items of a page")
    parser.add_argument("--starting-after", help="the id of a charge")
    parser.add_argument("--ending-before", help="the id of a charge; reads backward")
    return parser.parse_args()


def read(client, limit, ends):
    try:
        page = client.v1.charges.list(params={"limit": limit, **ends})
        return {"limit": limit, "ids": [charge.id for charge in page.auto_paging_iter()]}
    except stripe.StripeError as error:
        failure = {"error": type(error).__name__, "status": error.http_status, "param": getattr(error, "param", None)}
        return {"limit": limit, "failure": failure}


def main():
    args = arguments()
    # With telemetry the SDK would leave a file in the home directory.
    stripe.enable_telemetry = False
    client = stripe.StripeClient("sk_test_1", base_addresses={"api": args.base_url}, max_network_retries=0)
    ends = {"starting_after": args.starting_after, "ending_before": args.ending_before}
    ends = {name: id for name, id in ends.items() if id}
    for limit in args.limit:
        print(json.dumps(read(client, limit, ends)), flush=True)


if __name__ == "__main__":
    main()

"""Reads whole lists with google-api-core, and prints one JSON line per size of a page.

The iterator is the one under Google's clients for JSON. It names the parameters `maxResults` and `pageToken`,
and goes on as long as there is a `nextPageToken`, be it an empty text.
"""

import argparse
import json
import sys

try:
    import requests
    from google.api_core.page_iterator import HTTPIterator
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base_url")
    parser.add_argument("path")
    parser.add_argument("--limit", action="append", default=[], type=int, help="items of a page")
    return parser.parse_args()


def caller(session, base_url):
    """What google-cloud-core does, without credentials."""

    def api_request(method, path, query_params):
        response = session.request(method, base_url + path, params=query_params)
        response.raise_for_status()
        return response.json()

    return api_request


def read(session, args, limit):
    iterator = HTTPIterator(
        client=None,
        api_request=caller(session, args.base_url),
        path=args.path,
        item_to_value=lambda _, item: item["id"],
        page_size=limit,
    )
    return {"limit": limit, "pages": [list(page) for page in iterator.pages]}


def main():
    args = arguments()
    with requests.Session() as session:
        for limit in args.limit:
            print(json.dumps(read(session, args, limit)), flush=True)


if __name__ == "__main__":
    main()

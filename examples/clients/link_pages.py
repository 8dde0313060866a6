"""Reads whole lists with requests, and prints one JSON line per size of a page.

Pages are found by `Link` alone, as requests parses it: from the first one to the last one by `next`, and from
there back by `prev`. Targets may be relative (RFC 8288, section 3.1).
"""

import argparse
import json
import sys
from urllib.parse import urljoin

try:
    import requests
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--limit", action="append", default=[], type=int, help="items of a page")
    parser.add_argument("--and-back", action="store_true", help="once the last page is reached")
    return parser.parse_args()


def get(session, url, parameters=None):
    response = session.get(url, params=parameters)
    response.raise_for_status()
    return response


def follow(session, response, relation):
    """This page, and all that a link of this relation leads to from there."""
    while True:
        yield response
        link = response.links.get(relation)
        if link is None:
            return
        response = get(session, urljoin(response.url, link["url"]))


def told(response):
    body = response.json()
    return {"ids": [item["id"] for item in body["data"]], "has_more": body["has_more"]}


def read(session, args, limit):
    pages = list(follow(session, get(session, args.url, {"limit": limit}), "next"))
    read = {"limit": limit, "forward": [told(page) for page in pages]}
    if args.and_back:
        _, *back = follow(session, pages[-1], "prev")
        read["backward"] = [told(page) for page in back]
    return read


def main():
    args = arguments()
    with requests.Session() as session:
        for limit in args.limit:
            print(json.dumps(read(session, args, limit)), flush=True)


if __name__ == "__main__":
    main()

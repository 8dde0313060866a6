"""Asks for URLs and prints one JSON line per answer: its RateLimit fields as http_sfv reads them.

http_sfv is a parser of Structured Fields (RFC 9651) that refuses what does not conform.
"""

import argparse
import base64
import json
import sys
import urllib.error
import urllib.request

try:
    import http_sfv
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("urls", nargs="+")
    parser.add_argument("--dictionary", action="store_true", help="RateLimit is a Dictionary, as in draft 7")
    return parser.parse_args()


def fetch(url):
    try:
        return urllib.request.urlopen(url)
    except urllib.error.HTTPError as refusal:
        return refusal


def parse(lines, structure):
    """Lines of one name are one field, as section 4.2 has it."""
    structure.parse(", ".join(lines).encode("latin-1"))
    return structure


def bare(value):
    """With its type, which JSON would not tell."""
    shown = base64.b64encode(value).decode() if isinstance(value, bytes) else value
    return [type(value).__name__, shown]


def item(item):
    return [bare(item.value), {name: bare(value) for name, value in item.params.items()}]


def main():
    args = arguments()
    for url in args.urls:
        with fetch(url) as answer:
            told = answer.headers.get_all("ratelimit", [])
            policies = answer.headers.get_all("ratelimit-policy", [])
        if args.dictionary:
            standing = [[name, item(member)] for name, member in parse(told, http_sfv.Dictionary()).items()]
        else:
            standing = [item(member) for member in parse(told, http_sfv.List())]
        policies = [item(member) for member in parse(policies, http_sfv.List())]
        answered = {"status": answer.status, "ratelimit": standing, "policy": policies}
        print(json.dumps(answered), flush=True)


if __name__ == "__main__":
    main()

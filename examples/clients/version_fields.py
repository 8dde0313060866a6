"""Asks for URLs with requests and prints one JSON line per answer: what its fields say of a version's life.

Each field is read by a parser that knows nothing of the server: Deprecation by http_sfv, Sunset by Python's
own reader of dates in mail, and Link by requests.
"""

import argparse
import email.utils
import json
import os
import sys
import time

try:
    import http_sfv
    import requests
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("urls", nargs="+")
    return parser.parse_args()


def deprecation(field):
    """An Item, with its type (RFC 9651, section 3.3.7)."""
    item = http_sfv.Item()
    item.parse(field.encode("latin-1"))
    value = item.value.timestamp() if type(item.value).__name__ == "datetime" else item.value
    return {"type": type(item.value).__name__, "unix": value, "parameters": dict(item.params)}


def sunset(field):
    """With what Python itself would write for that moment, the zone as GMT."""
    moment = email.utils.parsedate_to_datetime(field)
    written = email.utils.format_datetime(moment, usegmt=True) if moment.tzinfo else None
    return {"unix": moment.timestamp(), "is_as_python_writes_it": written == field}


def links(answer):
    listed = requests.utils.parse_header_links(answer.headers.get("link", ""))
    return [[link.get("rel"), requests.compat.urljoin(answer.url, link["url"])] for link in listed]


def fields(answer):
    said = {name: answer.headers.get(name) for name in ("deprecation", "sunset")}
    return {
        "status": answer.status_code,
        "deprecation": said["deprecation"] and deprecation(said["deprecation"]),
        "sunset": said["sunset"] and sunset(said["sunset"]),
        "links": links(answer),
        "by_relation": {relation: link["url"] for relation, link in answer.links.items()},
    }


def main():
    args = arguments()
    # http_sfv gives dates in the zone of the machine, which may have no year 9999 left.
    os.environ["TZ"] = "UTC"
    time.tzset()
    for url in args.urls:
        print(json.dumps(fields(requests.get(url))), flush=True)


if __name__ == "__main__":
    main()

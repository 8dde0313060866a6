"""Reads an event stream with sseclient-py over requests, and prints one JSON line for whatever it gives.

sseclient-py reads one answer. Coming back is for its caller, who has the ids of events to come back with, and is not
told when to.
"""

import argparse
import json
import sys
import time

try:
    import requests
    from sseclient import SSEClient
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--header", action="append", default=[], help="NAME=VALUE, for every request")
    parser.add_argument("--once", action="store_true", help="do not come back")
    parser.add_argument("--pause", type=float, default=0.01, help="seconds, before it comes back")
    return parser.parse_args()


def say(**said):
    print(json.dumps(said), flush=True)


class Reader:
    def __init__(self, args):
        self.url = args.url
        self.headers = {"Accept": "text/event-stream"}
        self.headers |= dict(header.split("=", 1) for header in args.header)

    def read(self, session):
        """Reads one answer. Says whether there is nothing more to be read."""
        with session.get(self.url, headers=self.headers, stream=True) as response:
            if response.status_code != 200:
                say(refused=response.status_code)
                return True
            for event in SSEClient(response).events():
                say(type=event.event, data=event.data, id=event.id, retry=event.retry)
                if event.id:
                    self.headers["Last-Event-ID"] = event.id
                if event.event == "end":
                    return True
        return False


def main():
    args = arguments()
    reader = Reader(args)
    with requests.Session() as session:
        session.trust_env = False
        is_over = False
        while not is_over:
            try:
                is_over = reader.read(session)
            except requests.RequestException:
                pass
            if not is_over:
                if args.once:
                    return
                time.sleep(args.pause)


if __name__ == "__main__":
    main()

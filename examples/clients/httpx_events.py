"""Reads an event stream with httpx-sse, and prints one JSON line for whatever it gives.

httpx-sse reads one answer. Coming back is for its caller, and is done here as its documentation says: with the id
and after the time that it has read last.
"""

import argparse
import json
import sys
import time

try:
    import httpx
    from httpx_sse import SSEError, connect_sse
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--header", action="append", default=[], help="NAME=VALUE, for every request")
    parser.add_argument("--once", action="store_true", help="do not come back")
    return parser.parse_args()


def say(**said):
    print(json.dumps(said), flush=True)


class Reader:
    def __init__(self, args):
        self.url = args.url
        self.headers = dict(header.split("=", 1) for header in args.header)
        self.last_event_id = ""
        # Seconds, until the server says otherwise.
        self.retry = 1.0

    def read(self, client):
        """Reads one answer. Says whether there is nothing more to be read."""
        headers = dict(self.headers)
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        with connect_sse(client, "GET", self.url, headers=headers) as source:
            try:
                for event in source.iter_sse():
                    say(type=event.event, data=event.data, id=event.id, retry=event.retry)
                    self.last_event_id = event.id
                    if event.retry is not None:
                        self.retry = event.retry / 1000
                    if event.event == "end":
                        return True
            except SSEError:
                say(refused=source.response.status_code)
                return True
        return False


def main():
    args = arguments()
    reader = Reader(args)
    # The stream may be quiet for longer than a request may take.
    with httpx.Client(timeout=httpx.Timeout(30, read=None), trust_env=False) as client:
        is_over = False
        while not is_over:
            try:
                is_over = reader.read(client)
            except httpx.TransportError:
                pass
            if not is_over:
                if args.once:
                    return
                time.sleep(reader.retry)


if __name__ == "__main__":
    main()

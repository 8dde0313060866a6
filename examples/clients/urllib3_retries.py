"""Asks for a URL with urllib3, which retries by itself, and prints one JSON line per pause and the answer.

All of urllib3 is as it comes, but for `time.sleep`: it prints how long it was to be, and goes on when a line
comes in. Meanwhile the test turns its clock.
"""

import argparse
import json
import sys
import time

try:
    import urllib3
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--retries", type=int, required=True)
    return parser.parse_args()


def say(**said):
    print(json.dumps(said), flush=True)


def sleep(seconds):
    say(sleep=seconds)
    if not sys.stdin.readline():
        sys.exit("nobody is there to say when to go on")


def main():
    args = arguments()
    time.sleep = sleep
    retry = urllib3.Retry(
        total=args.retries,
        status_forcelist=[429],
        respect_retry_after_header=True,
        raise_on_status=False,
    )
    answer = urllib3.PoolManager(retries=retry).request("GET", args.url)
    say(status=answer.status, retries=len(answer.retries.history))


if __name__ == "__main__":
    main()

"""Reads whole lists with PyGithub, and prints one JSON line per size of a page.

PyGithub follows `Link`, and knows nothing else of other pages.
"""

import argparse
import json
import sys

try:
    from github import Github, GithubException
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base_url", help="with a path, as GitHub Enterprise has it, or without")
    parser.add_argument("organization", help="whose repositories are listed")
    parser.add_argument("--limit", action="append", default=[], type=int, help="items of a page")
    parser.add_argument("--reversed", action="store_true", help="from the last page to the first")
    return parser.parse_args()


def connect(base_url, limit):
    # It would wait a quarter of a second before each request, and longer before it tries again.
    return Github(base_url=base_url, per_page=limit, seconds_between_requests=0, retry=None, lazy=True)


def read(args, limit):
    ids = []
    with connect(args.base_url, limit) as client:
        repositories = client.get_organization(args.organization).get_repos()
        try:
            for repository in reversed(repositories) if args.reversed else repositories:
                ids.append(repository.id)
        except GithubException as error:
            return {"limit": limit, "ids": ids, "failure": {"error": type(error).__name__, "status": error.status}}
    return {"limit": limit, "ids": ids}


def main():
    args = arguments()
    for limit in args.limit:
        print(json.dumps(read(args, limit)), flush=True)


if __name__ == "__main__":
    main()

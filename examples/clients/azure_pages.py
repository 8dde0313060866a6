"""Reads all pages of a collection with azure-core, and prints one JSON line per API version.

The calls are those of a generated client: the first names the version, and each further one takes the link as
it is, as the Azure API guidelines have it.
"""

import argparse
import json
import sys

try:
    from azure.core import PipelineClient
    from azure.core.exceptions import HttpResponseError
    from azure.core.paging import ItemPaged
    from azure.core.rest import HttpRequest
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base_url")
    parser.add_argument("path")
    parser.add_argument("--version", action="append", default=[], help="empty to leave the parameter out")
    return parser.parse_args()


def items(client, path, version):
    def get_next(link):
        parameters = {"api-version": version} if version and not link else {}
        request = HttpRequest("GET", link or client.format_url(path), params=parameters)
        response = client.send_request(request)
        response.raise_for_status()
        return response.json()

    return ItemPaged(get_next, lambda page: (page.get("nextLink"), page["value"]))


def failure(error):
    return {
        "error": type(error).__name__,
        "status": error.status_code,
        "message": str(error),
        "code": error.error.code if error.error else None,
        "body": error.response.json(),
        "at": error.continuation_token,
    }


def read(client, path, version):
    pages = []
    try:
        for page in items(client, path, version).by_page():
            pages.append(list(page))
    except HttpResponseError as error:
        return {"pages": pages, "failure": failure(error)}
    return {"pages": pages}


def main():
    args = arguments()
    with PipelineClient(args.base_url) as client:
        for version in args.version:
            print(json.dumps(read(client, args.path, version)), flush=True)


if __name__ == "__main__":
    main()

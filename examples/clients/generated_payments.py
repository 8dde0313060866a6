"""Generates a client from a document, and uses it: a transfer, a retry, pages, a problem.

openapi-python-client writes a package with a function for each operation, and a class for each schema.
"""

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

PACKAGE = "payments_client"


def generate(url, folder):
    document = folder / "openapi.json"
    with urllib.request.urlopen(f"{url}/openapi.json") as answer:
        document.write_bytes(answer.read())
    config = folder / "config.json"
    # No formatters: nobody reads it.
    config.write_text(json.dumps({"package_name_override": PACKAGE, "post_hooks": []}))
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", document, "--meta", "none"]
    command += ["--output-path", folder / PACKAGE, "--config", config, "--fail-on-warning"]
    subprocess.run([str(part) for part in command], check=True, stdout=sys.stderr)
    sys.path.insert(0, str(folder))


def load(name):
    return importlib.import_module(f"{PACKAGE}.{name}")


def say(**said):
    print(json.dumps(said), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    url = parser.parse_args().url
    with tempfile.TemporaryDirectory() as folder:
        generate(url, Path(folder))
        use(importlib.import_module(PACKAGE), url)


def use(package, url):
    models, transfers = load("models"), "api.transfers"
    client = package.AuthenticatedClient(base_url=url, token="alice")
    make = load(f"{transfers}.make_transfer_v2").sync_detailed
    listed = load(f"{transfers}.list_transfers_v2").sync_detailed
    found = load(f"{transfers}.find_transfer_v2").sync_detailed

    def order(value):
        return models.Order(to="bob", amount=models.Money(value=value, currency="USD"), reference="rent")

    for number in range(3):
        answer = make(client=client, body=order(100), idempotency_key=f"generated-{number}")
        say(made=answer.status_code, id=str(answer.parsed.id), balance=answer.parsed.balance)
    again = make(client=client, body=order(100), idempotency_key="generated-2")
    say(again=again.status_code, id=str(again.parsed.id), replayed=again.headers.get("idempotent-replayed"))

    one = found(client=client, id=again.parsed.id).parsed
    say(found=str(one.id), amount=one.amount.value)

    page = listed(client=client, limit=2)
    say(page=[str(item.id) for item in page.parsed.data], has_more=page.parsed.has_more)

    refused = make(client=client, body=order(100_000))
    say(refused=refused.status_code, type=refused.parsed.type_, balance=refused.parsed.balance)


if __name__ == "__main__":
    main()

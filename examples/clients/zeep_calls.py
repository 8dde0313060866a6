"""Makes calls with zeep, as the WSDL has them, and prints one JSON line for each: its result or its fault.

A call is JSON: {"operation", "parts", "id", "account", "address"}, of which all but the first may be left out. `id` is the
MessageID of WS-Addressing, which is the same when a message is sent again.
"""

import argparse
import json
import sys

try:
    import requests
    import zeep
    from zeep.helpers import serialize_object
    from zeep.wsa import WsAddressingPlugin
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")

BINDING = "{urn:stonework:payments}PaymentsBinding"
MESSAGE_ID = "{http://www.w3.org/2005/08/addressing}MessageID"
TELLING = ("content-type", "retry-after", "idempotent-replayed")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wsdl")
    parser.add_argument("calls", nargs="+", type=json.loads)
    return parser.parse_args()


class Addressing(WsAddressingPlugin):
    """zeep takes a new id for each call; this one is told."""

    id = None

    def egress(self, envelope, http_headers, operation, binding_options):
        if self.id is None:
            return envelope, http_headers
        sent = super().egress(envelope, http_headers, operation, binding_options)
        for header in envelope.iter(MESSAGE_ID):
            header.text = self.id
        return sent


def fault(said):
    return {
        "code": said.code,
        "subcodes": [code.text for code in said.subcodes],
        "message": said.message,
        "detail": [child.text for child in said.detail.iter() if child.text],
    }


def main():
    args = arguments()
    session = requests.Session()
    last = {}
    session.hooks["response"].append(lambda response, **_: last.update(response=response))
    addressing = Addressing()
    client = zeep.Client(args.wsdl, transport=zeep.Transport(session=session), plugins=[addressing])
    for call in args.calls:
        addressing.id = call.get("id")
        account = call.get("account", "alice")
        session.headers["authorization"] = f"Bearer {account}"
        address = call.get("address")
        service = client.create_service(BINDING, address) if address else client.service
        try:
            result = service[call["operation"]](**call.get("parts", {}))
            said = {"result": serialize_object(result)}
        except zeep.exceptions.Fault as refusal:
            said = {"fault": fault(refusal)}
        response = last["response"]
        told = {name: response.headers[name] for name in TELLING if name in response.headers}
        print(json.dumps({**said, "status": response.status_code, "headers": told}), flush=True)


if __name__ == "__main__":
    main()

"""Calls the program `grpc` with grpcio, each kind of call, and prints one JSON line per outcome.

The messages are made of a `FileDescriptorSet`, so that no generated code is needed.
"""

import argparse
import json
import sys

try:
    import grpc
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from google.rpc import error_details_pb2
    from grpc_status import rpc_status
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")

PACKAGE = "stonework.payments.v2"
ALICE = ("authorization", "Bearer alice")

# So that a test that fails comes to an end.
LONGEST = 60

RETRIES = {
    "maxAttempts": 5,
    # By itself it would wait for longer than it may take.
    "initialBackoff": "3600s",
    "maxBackoff": "3600s",
    "backoffMultiplier": 1,
    "retryableStatusCodes": ["RESOURCE_EXHAUSTED"],
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("descriptors", help="a file with a FileDescriptorSet")
    parser.add_argument("what", choices=["kinds", "refusals", "limits"])
    return parser.parse_args()


class Payments:
    def __init__(self, args, retries=None):
        options = [("grpc.enable_http_proxy", 0)]
        if retries:
            config = {"methodConfig": [{"name": [{}], "retryPolicy": retries}]}
            options.append(("grpc.service_config", json.dumps(config)))
        self.channel = grpc.insecure_channel(args.target, options=options)
        self.pool = descriptor_pool.DescriptorPool()
        with open(args.descriptors, "rb") as file:
            for described in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
                self.pool.AddSerializedFile(described.SerializeToString())

    def message(self, name, **fields):
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))(**fields)

    def method(self, name, package=PACKAGE):
        method = self.pool.FindServiceByName(f"{PACKAGE}.Payments").FindMethodByName(name)
        kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
        return getattr(self.channel, kind)(
            f"/{package}.Payments/{name}",
            request_serializer=message_factory.GetMessageClass(method.input_type).SerializeToString,
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )

    def rent(self, value):
        return self.message("TransferRequest", to="bob", amount={"value": value, "currency": "USD"})

    def transfer(self, value, key=None, package=PACKAGE, metadata=(), timeout=LONGEST):
        metadata = [ALICE, *metadata] + ([("idempotency-key", key)] if key else [])
        call = self.method("Transfer", package)
        try:
            receipt, call = call.with_call(self.rent(value), metadata=metadata, timeout=timeout)
        except grpc.RpcError as error:
            return refusal(error)
        replayed = "idempotent-replayed" in dict(call.initial_metadata())
        return {"code": "OK", "id": receipt.id, "balance": receipt.balance.value, "replayed": replayed}


def refusal(error):
    told = {"code": error.code().name, "message": error.details()}
    # Also checks that the status in the details is the status.
    status = rpc_status.from_call(error)
    for packed in status.details if status else []:
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if packed.Unpack(info):
            told |= {"reason": info.reason, "domain": info.domain, "facts": dict(info.metadata)}
        if packed.Unpack(retry):
            told["retry"] = retry.retry_delay.ToTimedelta().total_seconds()
    return told


def kinds(args):
    payments = Payments(args)
    watching = payments.method("Watch")(payments.message("WatchRequest"), metadata=[ALICE], timeout=LONGEST)
    yield {"watched": next(watching).WhichOneof("what")}
    yield payments.transfer(100, "k")
    yield payments.transfer(100, "k")
    yield {"watched": next(watching).transfer.id}
    watching.cancel()
    orders = (payments.rent(value) for value in (10, 20, 30))
    imported = payments.method("Import")(orders, metadata=[ALICE], timeout=LONGEST)
    yield {"imported": imported.transfers, "balance": imported.balance.value}
    amounts = (payments.message("Money", value=value, currency="USD") for value in (1, 5_000))
    quotes = payments.method("Quote")(amounts, metadata=[ALICE], timeout=LONGEST)
    yield {"quoted": [[quote.is_covered, quote.balance.value] for quote in quotes]}


def refusals(args):
    payments = Payments(args)
    yield payments.transfer(5_000, "poor")
    yield payments.transfer(5_000, "poor")
    yield payments.transfer(1, "k")
    yield payments.transfer(2, "k")
    yield payments.transfer(1, package="stonework.payments.v3")
    yield payments.transfer(1, metadata=[("api-version", "1")])


def limits(args):
    patient, impatient = Payments(args, RETRIES), Payments(args)
    # As often as it takes to be denied.
    while (outcome := impatient.transfer(1))["code"] == "OK":
        pass
    yield outcome
    yield patient.transfer(1)


def main():
    args = arguments()
    for outcome in globals()[args.what](args):
        print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main()

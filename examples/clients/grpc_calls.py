"""Calls a method with grpcio, which retries by itself, and prints one JSON line per call.

The messages are empty, so that no generated code is needed.
"""

import argparse
import json
import sys

try:
    import grpc
    from google.rpc import error_details_pb2
    from grpc_status import rpc_status
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("method", help="such as /package.Service/Method")
    parser.add_argument("--calls", type=int, default=1, help="one after the other")
    parser.add_argument("--retry-on", nargs="*", help="codes; without any there are no retries")
    parser.add_argument("--backoff", help="between two attempts, such as 1.5s, where the server says nothing")
    return parser.parse_args()


def options(args):
    yield "grpc.enable_http_proxy", 0
    if args.retry_on:
        policy = {
            # More is not to be had.
            "maxAttempts": 5,
            "initialBackoff": args.backoff,
            "maxBackoff": args.backoff,
            "backoffMultiplier": 1,
            "retryableStatusCodes": args.retry_on,
        }
        yield "grpc.service_config", json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": policy}]})


def detail(packed):
    """A detail of the status, as far as it is one of those that a rate limit may have."""
    retry, quota = error_details_pb2.RetryInfo(), error_details_pb2.QuotaFailure()
    if packed.Unpack(retry):
        return {"retry": [retry.retry_delay.seconds, retry.retry_delay.nanos]}
    if packed.Unpack(quota):
        return {"quota": [[violation.subject, violation.description] for violation in quota.violations]}
    return {"other": packed.type_url}


def call(method):
    try:
        # Only so that a test that fails comes to an end.
        method(b"", timeout=60)
    except grpc.RpcError as error:
        # Also checks that the status in the details is the status.
        status = rpc_status.from_call(error)
        details = [detail(packed) for packed in status.details] if status else []
        return {"code": error.code().name, "message": error.details(), "details": details}
    return {"code": "OK", "message": "", "details": []}


def main():
    args = arguments()
    with grpc.insecure_channel(args.target, options=list(options(args))) as channel:
        method = channel.unary_unary(args.method)
        for _ in range(args.calls):
            print(json.dumps(call(method)), flush=True)


if __name__ == "__main__":
    main()

"""Signs and verifies requests with Twilio's own SDK: forms, and other bodies by the bodySHA256 of the URL.

A URL that is to be signed has a query with an empty bodySHA256 where it needs one.
"""

import sys
from urllib.parse import parse_qsl, urlsplit

from webhooks import run

try:
    from multidict import MultiDict
    from twilio.request_validator import (
        SIGNATURE_HEADER,
        SIGNATURE_SETTINGS_HEADER,
        RequestValidator,
        get_signature_algorithm,
    )
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")


def parameters(kind, text):
    """The SDK takes the parameters of a form, and the text of any other body."""
    return MultiDict(parse_qsl(text, keep_blank_values=True)) if "form" in kind else text


def sign(args, _at):
    validator = RequestValidator(args.secret)
    if args.url.endswith("bodySHA256="):
        args.url += validator.compute_hash(args.body)
    parts = urlsplit(args.url)
    signed = parameters(args.type, args.body) if "form" in args.type else {}
    public = f"{args.public}{parts.path}" + (f"?{parts.query}" if parts.query else "")
    settings = {SIGNATURE_SETTINGS_HEADER: f"key=1,algorithm={args.algorithm}"} if args.algorithm else {}
    return {SIGNATURE_HEADER: validator.compute_signature(public, signed, args.algorithm)} | settings


def verify(args, path, headers, body):
    return RequestValidator(args.secret).validate(
        args.public + path,
        parameters(headers.get("Content-Type"), body.decode()),
        headers.get(SIGNATURE_HEADER, ""),
        get_signature_algorithm(headers.get(SIGNATURE_SETTINGS_HEADER)),
    )


if __name__ == "__main__":
    run(__doc__, sign, verify)

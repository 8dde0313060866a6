"""A service of orders in three versions, written with Cadwyn. Prints its port, and serves until its standard
input ends.

Handlers know the newest version alone. Each change says how a request gets there, and how the response comes
back.
"""

import datetime
import socket
import sys
import threading

try:
    import uvicorn
    from cadwyn import (
        Cadwyn,
        RequestInfo,
        ResponseInfo,
        Version,
        VersionBundle,
        VersionChange,
        VersionedAPIRouter,
        convert_request_to_next_version_for,
        convert_response_to_previous_version_for,
    )
    from fastapi import Body, HTTPException
except ImportError as error:
    sys.exit(f"{error}: run ./test.sh clients, which installs examples/clients/requirements.txt")

router = VersionedAPIRouter()


@router.post("/orders", status_code=201)
async def create(order: dict = Body()) -> dict:
    if "refuse" in order:
        raise HTTPException(422, {"code": "refused", "message": order["refuse"]})
    return order | {"state": order.get("state", "open")}


@router.post("/batches")
async def batch(orders: list = Body()) -> list:
    return orders


# Requests alone are migrated, so that it can be seen what a handler sees.
@router.post("/seen")
async def seen(order: dict = Body()) -> dict:
    return order


# Cadwyn looks at whatever stands in a change, so helpers stand outside.
def price_up(order):
    for line in order.get("lines", []):
        if "amount" in line:
            line["price"] = {"value": line.pop("amount")}
        if "price" in line:
            line["price"].setdefault("currency", "EUR")


def price_down(order):
    for line in order.get("lines", []):
        if "price" in line:
            line["amount"] = line.pop("price")["value"]


def names_up(order):
    if "customer_name" in order:
        order["customer"] = {"name": order.pop("customer_name")}
    if "status" in order:
        order["state"] = order.pop("status")
    if "tags" in order:
        order["tags"] = [tag for tag in order["tags"].split(",") if tag]


def names_down(order):
    if "name" in order.get("customer", {}):
        order["customer_name"] = order["customer"].pop("name")
    order.pop("customer", None)
    if "state" in order:
        order["status"] = order.pop("state")
    if "tags" in order:
        order["tags"] = ",".join(order["tags"])


class PriceHasCurrency(VersionChange):
    description = "The price of a line has a currency."
    instructions_to_migrate_to_previous_version = ()

    @convert_request_to_next_version_for("/orders", ["POST"])
    def order_up(request: RequestInfo):
        price_up(request.body)

    @convert_request_to_next_version_for("/seen", ["POST"])
    def seen_up(request: RequestInfo):
        price_up(request.body)

    @convert_response_to_previous_version_for("/orders", ["POST"])
    def order_down(response: ResponseInfo):
        price_down(response.body)

    @convert_request_to_next_version_for("/batches", ["POST"])
    def batch_up(request: RequestInfo):
        for order in request.body:
            price_up(order)

    @convert_response_to_previous_version_for("/batches", ["POST"])
    def batch_down(response: ResponseInfo):
        for order in response.body:
            price_down(order)


class CustomerIsObject(VersionChange):
    description = "A customer is an object, and tags are a list."
    instructions_to_migrate_to_previous_version = ()

    @convert_request_to_next_version_for("/orders", ["POST"])
    def order_up(request: RequestInfo):
        names_up(request.body)

    @convert_request_to_next_version_for("/seen", ["POST"])
    def seen_up(request: RequestInfo):
        names_up(request.body)

    @convert_response_to_previous_version_for("/orders", ["POST"])
    def order_down(response: ResponseInfo):
        names_down(response.body)

    @convert_response_to_previous_version_for("/orders", ["POST"], migrate_http_errors=True)
    def error_down(response: ResponseInfo):
        if response.status_code >= 400:
            response.body["detail"] = response.body["detail"]["message"]

    @convert_request_to_next_version_for("/batches", ["POST"])
    def batch_up(request: RequestInfo):
        for order in request.body:
            names_up(order)

    @convert_response_to_previous_version_for("/batches", ["POST"])
    def batch_down(response: ResponseInfo):
        for order in response.body:
            names_down(order)


versions = VersionBundle(
    Version(datetime.date(2026, 3, 10), PriceHasCurrency),
    Version(datetime.date(2025, 6, 1), CustomerIsObject),
    Version(datetime.date(2024, 1, 1)),
)
app = Cadwyn(versions=versions)
app.generate_and_include_versioned_routers(router)


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    print(listener.getsockname()[1], flush=True)

    def stop():
        sys.stdin.read()
        # Open connections are not waited for.
        server.should_exit = server.force_exit = True

    threading.Thread(target=stop, daemon=True).start()
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()

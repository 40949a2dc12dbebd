"""Every type that py-amqp can put into a table comes back as it went."""

from datetime import datetime
from decimal import Decimal

from amqp import Message
from support import connect, equal, unique

HEADERS = {
    "text": "hello",
    "unicode": "grüße, 世界 \U0001f407",
    "bytes that are not text": b"\xff\xfe\x00",
    "true": True,
    "zero": 0,
    "int32 max": 2**31 - 1,
    "int64 max": 2**63 - 1,
    "int64 min": -(2**63),
    "double": 2.5,
    "small double": 5e-324,
    "large double": -1.7976931348623157e308,
    "decimal": Decimal("3.14"),
    "time": datetime(2024, 2, 29, 12, 30, 15),
    "nothing": None,
    "list": ["a", 1, 1.5, True, None, ["nested", []], {"in": {"a": "list"}}],
    "table": {"a": {"b": {"c": []}}},
}


def main():
    with connect() as connection:
        channel = connection.channel()
        queue = channel.queue_declare(unique("tables"), arguments={"x-unknown": HEADERS}).queue
        channel.basic_publish(Message("body", application_headers=HEADERS), routing_key=queue)
        equal(channel.basic_get(queue).headers, HEADERS)
        channel.queue_delete(queue)


main()

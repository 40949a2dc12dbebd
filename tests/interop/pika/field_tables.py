"""Every type that pika can put into a table, and every property, come back as they went."""

from datetime import datetime, timezone
from decimal import Decimal

import pika
from support import connect, equal, play, receive, unique

HEADERS = {
    "text": "hello",
    "unicode": "grüße, 世界 \U0001f407",
    "empty text": "",
    "long text": "x" * 10_000,
    "bytes": b"\x00\xff\xfe",
    "no bytes": b"",
    "true": True,
    "false": False,
    "zero": 0,
    "negative": -1,
    "int32 max": 2**31 - 1,
    "int32 min": -(2**31),
    "above int32": 2**31,
    "int64 max": 2**63 - 1,
    "int64 min": -(2**63),
    "decimal": Decimal("3.14"),
    "negative decimal": Decimal("-0.005"),
    "whole decimal": Decimal("7"),
    "time": datetime(2024, 2, 29, 12, 30, 15, tzinfo=timezone.utc),
    "epoch": datetime(1970, 1, 1, tzinfo=timezone.utc),
    "nothing": None,
    "list": ["a", 1, 2**40, True, None, b"b", ["nested", []], {"in": {"a": "list"}}],
    "empty list": [],
    "table": {"a": {"b": {"c": [1, {"d": None}]}}},
    "empty table": {},
    "": "an empty name",
    "n" * 255: "a long name",
}

PROPERTIES = {
    "content_type": "application/json",
    "content_encoding": "gzip",
    "headers": HEADERS,
    "delivery_mode": 2,
    "priority": 9,
    "correlation_id": "c" * 255,
    "reply_to": "somewhere",
    "expiration": "60000",
    "message_id": "grüße",
    "timestamp": 1_700_000_000,
    "type": "a type",
    "user_id": "guest",
    "app_id": "interop",
    "cluster_id": "a cluster",
}


def main():
    queue = unique("tables")
    arguments = {"x-unknown": HEADERS, "unknown to everybody": [1, "two"]}
    with connect() as connection:
        channel = connection.channel()
        channel.queue_declare(queue, arguments=arguments)
        channel.queue_declare(queue, arguments=arguments)
        for name, value in PROPERTIES.items():
            channel.basic_publish("", queue, "one", pika.BasicProperties(**{name: value}))
        channel.basic_publish("", queue, "all", pika.BasicProperties(**PROPERTIES))
        channel.basic_publish("", queue, "none")
        channel.basic_publish("", queue, "all", pika.BasicProperties(**PROPERTIES))

        for (name, value), (_, properties, _) in zip(
            PROPERTIES.items(), receive(channel, queue, len(PROPERTIES), auto_ack=False)
        ):
            equal(carried(properties), {name: value})
        channel.basic_ack(0, multiple=True)
        equal(carried(channel.basic_get(queue)[1]), PROPERTIES)
        equal(carried(channel.basic_get(queue)[1]), {})
        [(_, properties, _)] = receive(channel, queue, 1)
        equal(carried(properties), PROPERTIES)
        channel.queue_delete(queue)


def carried(properties):
    """The properties that are there, None being pika's word for absent."""
    values = {name: getattr(properties, name) for name in PROPERTIES}
    return {name: value for name, value in values.items() if value is not None}


play(main)

"""A stream: read from its first message, from an offset, from a time, by many, with filters."""

import datetime

import pika
from support import PATIENCE, connect, equal, play, process_until, unique

STREAM = {"x-queue-type": "stream", "x-max-age": "1D"}


def main():
    with connect() as connection:
        publisher = connection.channel()
        stream = unique("events")
        publisher.queue_declare(stream, durable=True, arguments=STREAM)
        publisher.confirm_delivery()
        for number in range(300):
            properties = pika.BasicProperties(
                headers={"x-stream-filter-value": "even" if number % 2 == 0 else "odd"}
            )
            publisher.basic_publish("", stream, str(number), properties)

        equal(read(connection, stream, "first", 300), numbered(0, 300), "first")
        equal(read(connection, stream, 250, 50), numbered(250, 300), "offset")
        equal(read(connection, stream, "1h", 300), numbered(0, 300), "interval")
        an_hour_ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
        equal(read(connection, stream, an_hour_ago, 300), numbered(0, 300), "timestamp")
        equal(read(connection, stream, "first", 300), numbered(0, 300), "again")
        read_on(connection, publisher, stream)
        publisher.queue_delete(stream)


def numbered(start, end):
    return [(number, str(number).encode()) for number in range(start, end)]


def read(connection, stream, offset, count):
    """Reads so many messages with little room at a time: a list of (offset, body)."""
    channel = connection.channel()
    channel.basic_qos(prefetch_count=20)
    got = []
    options = {"arguments": {"x-stream-offset": offset}, "inactivity_timeout": PATIENCE}
    for method, properties, body in channel.consume(stream, **options):
        if method is None:
            raise AssertionError(f"{offset}: {len(got)} of {count} messages came")
        got.append((properties.headers["x-stream-offset"], body))
        channel.basic_ack(method.delivery_tag)
        if len(got) == count:
            break
    channel.close()
    return got


def read_on(connection, publisher, stream):
    """Two consumers that wait at the end both get what is published next."""
    got = {"one": [], "two": []}
    for name in got:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=10)

        def take(channel, method, properties, body, name=name):
            got[name].append((properties.headers["x-stream-offset"], body))
            channel.basic_ack(method.delivery_tag)

        channel.basic_consume(stream, take, arguments={"x-stream-offset": "next"})
    for number in range(300, 330):
        publisher.basic_publish("", stream, str(number))
    process_until(connection, lambda: all(len(each) == 30 for each in got.values()), "both")
    equal(got, {"one": numbered(300, 330), "two": numbered(300, 330)})


play(main)

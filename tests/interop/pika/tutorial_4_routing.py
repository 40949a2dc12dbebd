"""Routing: a direct exchange gives each queue the severities that it was bound with."""

from support import connect, equal, play, receive, unique

SEVERITIES = ["info", "warning", "error", "debug"]


def main():
    exchange = unique("direct_logs")
    with connect() as connection:
        channel = connection.channel()
        channel.exchange_declare(exchange=exchange, exchange_type="direct")
        to_disk = subscribe(channel, exchange, ["error"])
        to_screen = subscribe(channel, exchange, ["info", "warning", "error"])
        for severity in SEVERITIES:
            channel.basic_publish(exchange=exchange, routing_key=severity, body=f"a {severity}")
        equal(received(channel, to_disk, 1), [("error", b"a error")])
        equal(
            received(channel, to_screen, 3),
            [("info", b"a info"), ("warning", b"a warning"), ("error", b"a error")],
        )
        channel.queue_unbind(queue=to_screen, exchange=exchange, routing_key="info")
        for severity in SEVERITIES:
            channel.basic_publish(exchange=exchange, routing_key=severity, body="again")
        equal(received(channel, to_disk, 1), [("error", b"again")])
        equal(received(channel, to_screen, 2), [("warning", b"again"), ("error", b"again")])
        channel.exchange_delete(exchange)


def subscribe(channel, exchange, severities):
    queue = channel.queue_declare(queue="", exclusive=True).method.queue
    for severity in severities:
        channel.queue_bind(queue=queue, exchange=exchange, routing_key=severity)
    return queue


def received(channel, queue, count):
    messages = receive(channel, queue, count, auto_ack=True)
    equal(channel.basic_get(queue)[0], None, "more messages")
    return [(method.routing_key, body) for method, _, body in messages]


play(main)

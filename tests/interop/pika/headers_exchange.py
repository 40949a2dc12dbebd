"""A headers exchange looks at the table of headers and not at the routing key."""

import pika
from support import connect, equal, play, unique

# Arguments of a binding, and which of MESSAGES match.
BINDINGS = [
    ({"x-match": "all", "format": "pdf", "type": "report"}, ["report"]),
    ({"x-match": "any", "format": "pdf", "type": "log"}, ["report", "letter", "log"]),
    ({"format": "pdf"}, ["report", "letter"]),
    ({"x-match": "all", "pages": 3}, ["report"]),
    ({"x-match": "all", "signed": True}, ["letter"]),
    ({"x-match": "all", "pages": None}, ["report", "letter"]),
    ({"x-match": "all"}, ["report", "letter", "log", "plain"]),
    ({"x-match": "any"}, []),
]

MESSAGES = {
    "report": {"format": "pdf", "type": "report", "pages": 3},
    "letter": {"format": "pdf", "type": "letter", "pages": 1, "signed": True},
    "log": {"format": "text", "type": "log"},
    "plain": None,
}


def main():
    exchange = unique("documents")
    with connect() as connection:
        channel = connection.channel()
        channel.exchange_declare(exchange=exchange, exchange_type="headers")
        queues = []
        for arguments, _ in BINDINGS:
            queue = channel.queue_declare(queue="", exclusive=True).method.queue
            channel.queue_bind(queue, exchange, routing_key="", arguments=arguments)
            queues.append(queue)
        for name, headers in MESSAGES.items():
            channel.basic_publish(exchange, "", name, pika.BasicProperties(headers=headers))
        for queue, (arguments, names) in zip(queues, BINDINGS):
            equal(drain(channel, queue), names, f"{arguments}")
        channel.exchange_delete(exchange)


def drain(channel, queue):
    names = []
    while (message := channel.basic_get(queue, auto_ack=True))[0] is not None:
        names.append(message[2].decode())
    return names


play(main)

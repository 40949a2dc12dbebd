"""RPC: requests through a named queue, replies through a private one, told apart by an id."""

import uuid

import pika
from support import (
    CLASSIC,
    QUORUM,
    Worker,
    connect,
    equal,
    play,
    process_until,
    say,
    true,
    unique,
)


class FibonacciClient:
    """Calls one at a time, letting the connection work while it waits."""

    def __init__(self, connection, rpc_queue):
        self._connection = connection
        self._rpc_queue = rpc_queue
        self._channel = connection.channel()
        self._callback_queue = self._channel.queue_declare(queue="", exclusive=True).method.queue
        self._channel.basic_consume(
            queue=self._callback_queue, on_message_callback=self._on_reply, auto_ack=True
        )
        self._correlation_id = None
        self._reply = None

    def call(self, number):
        self._reply = None
        self._correlation_id = str(uuid.uuid4())
        self._channel.basic_publish(
            exchange="",
            routing_key=self._rpc_queue,
            properties=pika.BasicProperties(
                reply_to=self._callback_queue, correlation_id=self._correlation_id
            ),
            body=str(number),
        )
        process_until(self._connection, lambda: self._reply is not None, f"fib({number})")
        return int(self._reply)

    def _on_reply(self, channel, method, properties, body):
        equal((method.exchange, method.routing_key), ("", self._callback_queue))
        if properties.correlation_id == self._correlation_id:
            self._reply = body


def main():
    for kind, options in {"classic": CLASSIC, "quorum": QUORUM}.items():
        queue = unique("rpc_queue")
        with Worker("server", queue, kind) as server, connect() as connection:
            equal(server.line(), "ready")
            client = FibonacciClient(connection, queue)
            equal([client.call(number) for number in range(12)], FIBONACCI)
            connection.channel().queue_delete(queue)


def server(queue, kind):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare(queue=queue, **{"classic": CLASSIC, "quorum": QUORUM}[kind])

    def on_request(channel, method, properties, body):
        true(properties.reply_to.startswith("amq.gen-"), "reply_to is a generated name")
        channel.basic_publish(
            exchange="",
            routing_key=properties.reply_to,
            properties=pika.BasicProperties(correlation_id=properties.correlation_id),
            body=str(fibonacci(int(body))),
        )
        channel.basic_ack(delivery_tag=method.delivery_tag)

    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(queue=queue, on_message_callback=on_request)
    say("ready")
    channel.start_consuming()


FIBONACCI = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]


def fibonacci(number):
    return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)


play(main, server=server)

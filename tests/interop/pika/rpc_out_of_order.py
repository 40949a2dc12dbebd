"""Several calls in flight, a server that answers them backwards: the ids tell which is which."""

import pika
from support import Worker, connect, equal, play, process_until, say, unique

CALLS = 5


def main():
    queue = unique("rpc_queue")
    with Worker("server", queue) as server, connect() as connection:
        equal(server.line(), "ready")
        channel = connection.channel()
        private_queue = channel.queue_declare(queue="", exclusive=True).method.queue
        for reply_queue in [private_queue, "amq.rabbitmq.reply-to"]:
            replies = []
            call(channel, queue, reply_queue, replies)
            process_until(connection, lambda: len(replies) == CALLS, f"replies to {reply_queue}")
            expected = [(str(number), f"reply {number}".encode()) for number in range(CALLS)]
            equal(replies, expected[::-1])
        channel.queue_delete(queue)


def call(channel, rpc_queue, reply_queue, replies):
    channel.basic_consume(
        queue=reply_queue,
        on_message_callback=lambda _, method, properties, body: replies.append(
            (properties.correlation_id, body)
        ),
        auto_ack=True,
    )
    for number in range(CALLS):
        channel.basic_publish(
            exchange="",
            routing_key=rpc_queue,
            properties=pika.BasicProperties(reply_to=reply_queue, correlation_id=str(number)),
            body=str(number),
        )


def server(queue):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare(queue=queue)
    waiting = []

    def on_request(channel, method, properties, body):
        waiting.append((method, properties, body))
        if len(waiting) < CALLS:
            return
        for _, request, body in reversed(waiting):
            channel.basic_publish(
                exchange="",
                routing_key=request.reply_to,
                properties=pika.BasicProperties(correlation_id=request.correlation_id),
                body=b"reply " + body,
            )
        channel.basic_ack(delivery_tag=method.delivery_tag, multiple=True)
        waiting.clear()

    channel.basic_consume(queue=queue, on_message_callback=on_request)
    say("ready")
    channel.start_consuming()


play(main, server=server)

"""Hello world: one program sends a message through a named queue, another receives it."""

from support import CLASSIC, QUORUM, connect, equal, play, unique


def main():
    for options in [CLASSIC, QUORUM]:
        queue = unique("hello")
        send(queue, options)
        equal(receive(queue, options), [b"Hello World!"])


def send(queue, options):
    connection = connect()
    channel = connection.channel()
    declared = channel.queue_declare(queue=queue, **options)
    equal(declared.method.queue, queue)
    channel.basic_publish(exchange="", routing_key=queue, body="Hello World!")
    connection.close()


def receive(queue, options):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare(queue=queue, **options)
    bodies = []

    def on_message(channel, method, properties, body):
        equal((method.exchange, method.routing_key), ("", queue))
        equal((method.delivery_tag, method.redelivered), (1, False))
        bodies.append(body)
        channel.stop_consuming()

    channel.basic_consume(queue=queue, on_message_callback=on_message, auto_ack=True)
    channel.start_consuming()
    channel.queue_delete(queue)
    connection.close()
    return bodies


play(main)

"""A message that no queue takes: dropped, confirmed all the same, or returned if mandatory."""

import pika
from pika.exceptions import UnroutableError
from support import connect, equal, play, raises, receive, unique


def main():
    with connect() as connection:
        drop_silently(connection)
        return_mandatory(connection)
        confirm_routed(connection)
        return_without_confirms(connection)


def drop_silently(connection):
    exchange = unique("logs")
    channel = connection.channel()
    channel.exchange_declare(exchange=exchange, exchange_type="fanout")
    channel.basic_publish(exchange, "", "lost")
    channel.confirm_delivery()
    channel.basic_publish(exchange, "", "lost as well, and confirmed")
    queue = channel.queue_declare(queue="", exclusive=True).method.queue
    channel.queue_bind(queue, exchange)
    equal(channel.basic_get(queue)[0], None)
    channel.exchange_delete(exchange)


def return_mandatory(connection):
    channel = connection.channel()
    channel.confirm_delivery()
    missing = unique("nobody")
    properties = pika.BasicProperties(message_id="42", headers={"a": 1})
    error = raises(
        UnroutableError,
        lambda: channel.basic_publish("", missing, b"come back", properties, mandatory=True),
    )
    equal(len(error.messages), 1)
    [message] = error.messages
    equal((message.method.reply_code, message.method.reply_text), (312, "NO_ROUTE"))
    equal((message.method.exchange, message.method.routing_key), ("", missing))
    equal((message.properties.message_id, message.properties.headers), ("42", {"a": 1}))
    equal(message.body, b"come back")


def confirm_routed(connection):
    channel = connection.channel()
    channel.confirm_delivery()
    queue = channel.queue_declare(queue="", exclusive=True).method.queue
    for number in range(20):
        channel.basic_publish("", queue, str(number), mandatory=True)
    equal([body for _, _, body in receive(channel, queue, 20)], [b"%d" % n for n in range(20)])


def return_without_confirms(connection):
    channel = connection.channel()
    returned = []
    channel.add_on_return_callback(lambda _, method, __, body: returned.append(body))
    channel.basic_publish("", unique("nobody"), "come back", mandatory=True)
    channel.queue_declare(queue="", exclusive=True)
    connection.process_data_events(time_limit=0)
    equal(returned, [b"come back"])


play(main)

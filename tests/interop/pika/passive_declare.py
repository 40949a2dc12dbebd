"""A passive declare asks whether something is there, and what is in it."""

from pika.exceptions import ChannelClosedByBroker
from support import connect, equal, play, raises, unique


def main():
    queue, exchange = unique("there"), unique("there")
    with connect() as connection:
        channel = connection.channel()
        expect_missing(connection, lambda other: other.queue_declare(queue, passive=True), "queue")
        expect_missing(
            connection, lambda other: other.exchange_declare(exchange, passive=True), "exchange"
        )

        channel.queue_declare(queue, durable=True)
        channel.exchange_declare(exchange, "topic", durable=True)
        channel.confirm_delivery()
        channel.basic_publish("", queue, "a")
        channel.basic_publish("", queue, "b")
        # the other properties are not compared
        declared = channel.queue_declare(queue, passive=True).method
        equal((declared.queue, declared.message_count, declared.consumer_count), (queue, 2, 0))
        channel.exchange_declare(exchange, "direct", passive=True)
        channel.exchange_declare("amq.fanout", "fanout", passive=True)

        channel.basic_consume(queue, lambda *_: None)
        declared = channel.queue_declare(queue, passive=True).method
        equal((declared.message_count, declared.consumer_count), (0, 1))
        # what is delivered and not acked is not counted
        equal(channel.queue_delete(queue).method.message_count, 0)
        channel.exchange_delete(exchange)


def expect_missing(connection, declare, what):
    channel = connection.channel()
    error = raises(ChannelClosedByBroker, lambda: declare(channel))
    equal((error.reply_code, error.reply_text[: 15 + len(what)]), (404, f"NOT_FOUND - no {what}"))


play(main)

"""A soft error closes its channel alone: the connection lives, and so does the next channel."""

import pika
from pika.exceptions import ChannelClosedByBroker
from support import connect, equal, play, raises, unique


def main():
    with connect() as connection:
        bystander = connection.channel()
        queue = bystander.queue_declare(queue=unique("used"), exclusive=True).method.queue
        nowhere = unique("nowhere")
        cases = [
            (
                lambda channel: publish_and_ask(channel, nowhere),
                404,
                f"NOT_FOUND - no exchange '{nowhere}' in vhost '/'",
            ),
            (
                lambda channel: channel.basic_get(nowhere),
                404,
                f"NOT_FOUND - no queue '{nowhere}' in vhost '/'",
            ),
            (
                lambda channel: channel.basic_consume(nowhere, print),
                404,
                f"NOT_FOUND - no queue '{nowhere}' in vhost '/'",
            ),
            (
                lambda channel: channel.queue_bind(queue, nowhere),
                404,
                f"NOT_FOUND - no exchange '{nowhere}' in vhost '/'",
            ),
            (
                lambda channel: channel.queue_declare("amq.mine"),
                403,
                "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'",
            ),
            (
                lambda channel: channel.exchange_declare("amq.mine"),
                403,
                "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'",
            ),
            (
                lambda channel: channel.exchange_declare("amq.topic", "fanout", durable=True),
                406,
                "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'amq.topic' in vhost"
                " '/': received 'fanout' but current is 'topic'",
            ),
            (
                lambda channel: ack_and_ask(channel, 99),
                406,
                "PRECONDITION_FAILED - unknown delivery tag 99",
            ),
        ]
        for action, code, text in cases:
            channel = connection.channel()
            error = raises(ChannelClosedByBroker, lambda: action(channel))
            equal((error.reply_code, error.reply_text), (code, text))
            equal((channel.is_open, connection.is_open, bystander.is_open), (False, True, True))
            bystander.basic_publish("", queue, "alive", pika.BasicProperties(delivery_mode=1))
            equal(bystander.basic_get(queue, auto_ack=True)[2], b"alive")
        delete_what_is_missing(connection.channel(), nowhere)


def publish_and_ask(channel, exchange):
    """A publish has no answer, so something that has one must follow."""
    channel.basic_publish(exchange, "", "lost")
    channel.queue_declare("", exclusive=True)


def ack_and_ask(channel, delivery_tag):
    channel.basic_ack(delivery_tag)
    channel.queue_declare("", exclusive=True)


def delete_what_is_missing(channel, name):
    """Nothing is wrong with that."""
    channel.queue_delete(name)
    channel.exchange_delete(name)


play(main)

"""Publish/subscribe: a fanout exchange gives each subscriber's temporary queue every message."""

import re

from pika.exceptions import ChannelClosedByBroker
from support import connect, equal, play, raises, receive, true, unique


def main():
    exchange = unique("logs")
    with connect() as publisher, connect() as one, connect() as other:
        logs = publisher.channel()
        logs.exchange_declare(exchange=exchange, exchange_type="fanout")
        logs.basic_publish(exchange=exchange, routing_key="", body="nobody listens yet")
        # an answer to this means that the message has been dropped
        logs.exchange_declare(exchange=exchange, passive=True)
        first, first_queue = subscribe(one, exchange)
        second, second_queue = subscribe(other, exchange)
        true(first_queue != second_queue, "names differ")
        lines = [b"one", b"two", b"three"]
        for line in lines:
            logs.basic_publish(exchange=exchange, routing_key="ignored", body=line)
        equal(bodies(receive(first, first_queue, 3, auto_ack=True)), lines)
        equal(bodies(receive(second, second_queue, 3, auto_ack=True)), lines)
        logs.exchange_delete(exchange)
        expect_gone_after_closing(one, first_queue, publisher)


def subscribe(connection, exchange):
    channel = connection.channel()
    channel.exchange_declare(exchange=exchange, exchange_type="fanout")
    queue = channel.queue_declare(queue="", exclusive=True).method.queue
    true(re.fullmatch(r"amq\.gen-[A-Za-z0-9_-]{22}", queue), f"{queue} is a generated name")
    channel.queue_bind(exchange=exchange, queue=queue)
    return channel, queue


def expect_gone_after_closing(owner, queue, observer):
    owner.close()
    channel = observer.channel()
    error = raises(
        ChannelClosedByBroker, lambda: channel.queue_declare(queue=queue, passive=True)
    )
    equal(error.reply_code, 404)


def bodies(messages):
    return [body for _, _, body in messages]


play(main)

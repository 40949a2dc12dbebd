"""Publishes persistent messages one after another with confirms until its broker is gone, and tells
about each on a line of its own: `publisher.py PORT QUEUE FIRST SIZE`."""

import sys

import pika

port, queue, first, size = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def say(line):
    print(line, flush=True)


def publish_for_ever():
    parameters = pika.ConnectionParameters(host="127.0.0.1", port=port, heartbeat=0)
    connection = pika.BlockingConnection(parameters)
    # those of the blocking connection are called between publishes only
    inner = connection._impl
    inner.add_on_connection_blocked_callback(lambda _, frame: say(f"blocked {frame.method.reason}"))
    inner.add_on_connection_unblocked_callback(lambda *_: say("unblocked"))
    channel = connection.channel()
    channel.queue_declare(queue, durable=True)
    channel.confirm_delivery()
    number = first
    while True:
        body = f"{number}:".ljust(size, ".")
        try:
            channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2))
            say(f"confirmed {number}")
        except pika.exceptions.NackError:
            say(f"nacked {number}")
        number += 1


try:
    publish_for_ever()
except (pika.exceptions.AMQPError, OSError):
    say("gone")

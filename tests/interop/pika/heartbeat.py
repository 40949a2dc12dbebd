"""Heartbeats: a connection with nothing to say stays open on both sides."""

import time

from support import connect, equal, play, unique


def main():
    with connect(heartbeat=2) as connection:
        channel = connection.channel()
        queue = channel.queue_declare(queue=unique("idle"), exclusive=True).method.queue
        started = time.monotonic()
        connection.process_data_events(time_limit=6)
        equal(time.monotonic() - started >= 6, True, "idle for 6 s")
        equal(connection.is_open, True, "open")
        channel.basic_publish("", queue, "still here")
        equal(channel.basic_get(queue, auto_ack=True)[2], b"still here")


play(main)

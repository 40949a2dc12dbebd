"""py-amqp beats only when asked to; the broker's beats are what it counts."""

import socket
import time

from amqp import Message
from support import connect, equal, unique


def main():
    with connect(heartbeat=2) as connection:
        equal(connection.heartbeat, 2)
        channel = connection.channel()
        queue = channel.queue_declare(unique("idle"), exclusive=True).queue
        end = time.monotonic() + 6
        while time.monotonic() < end:
            connection.heartbeat_tick(rate=2)
            try:
                connection.drain_events(timeout=0.5)
            except socket.timeout:
                pass
        channel.basic_publish(Message("still here"), routing_key=queue)
        equal(channel.basic_get(queue).body, "still here")


main()

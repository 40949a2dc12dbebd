"""Bodies of all sizes, cut into frames for the publisher and again for each consumer."""

import random

from support import connect, equal, play, receive, true, unique

FRAME_MAX = 131072
SIZES = [0, 1, FRAME_MAX - 9, FRAME_MAX - 8, FRAME_MAX - 7, 2 * (FRAME_MAX - 8), 1 << 20, 3_000_001]


def main():
    bodies = [random.Random(size).randbytes(size) for size in SIZES]
    with connect(frame_max=FRAME_MAX) as wide, connect(frame_max=4096) as narrow:
        carry(wide, narrow, bodies)
        carry(narrow, wide, bodies)
        carry(wide, wide, bodies)


def carry(publisher, consumer, bodies):
    queue = unique("parcels")
    channel = publisher.channel()
    channel.confirm_delivery()
    channel.queue_declare(queue)
    for body in bodies:
        channel.basic_publish("", queue, body)
    taken = [body for _, _, body in receive(consumer.channel(), queue, len(bodies), auto_ack=True)]
    equal([len(body) for body in taken], SIZES)
    true(taken == bodies, "the bytes are the same")
    channel.basic_publish("", queue, bodies[-1])
    true(consumer.channel().basic_get(queue, auto_ack=True)[2] == bodies[-1], "the same by get")
    channel.queue_delete(queue)


play(main)

"""basic.get: one message at a time, with ack, reject, nack and requeue."""

from support import connect, equal, play, unique


def main():
    with connect() as connection:
        channel = connection.channel()
        queue = channel.queue_declare(queue=unique("inbox"), exclusive=True).method.queue
        equal(channel.basic_get(queue), (None, None, None))
        channel.confirm_delivery()
        for body in ["a", "b", "c", "d"]:
            channel.basic_publish("", queue, body)

        a, _, body = channel.basic_get(queue)
        equal((body, a.delivery_tag, a.redelivered, a.message_count), (b"a", 1, False, 3))
        equal((a.exchange, a.routing_key), ("", queue))
        channel.basic_ack(a.delivery_tag)

        b, _, body = channel.basic_get(queue)
        equal((body, b.delivery_tag, b.message_count), (b"b", 2, 2))
        channel.basic_reject(b.delivery_tag, requeue=True)
        again, _, body = channel.basic_get(queue)
        equal((body, again.delivery_tag, again.redelivered), (b"b", 3, True), "back in its place")
        channel.basic_reject(again.delivery_tag, requeue=False)

        c, _, body = channel.basic_get(queue)
        equal((body, c.redelivered), (b"c", False))
        d, _, body = channel.basic_get(queue)
        equal((body, d.message_count), (b"d", 0))
        channel.basic_nack(d.delivery_tag, multiple=True, requeue=True)
        equal(drain(channel, queue), [(b"c", True), (b"d", True)])

        channel.basic_publish("", queue, "e")
        channel.basic_publish("", queue, "f")
        equal(channel.queue_purge(queue).method.message_count, 2)
        equal(channel.basic_get(queue)[0], None)


def drain(channel, queue):
    got = []
    while (message := channel.basic_get(queue, auto_ack=True))[0] is not None:
        got.append((message[2], message[0].redelivered))
    return got


play(main)

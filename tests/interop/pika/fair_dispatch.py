"""Prefetch: with a count of 1 the fast worker gets what the slow one has no hand free for."""

from support import CLASSIC, QUORUM, connect, equal, play, process_until, unique

COUNT = 10


def main():
    for options in [CLASSIC, QUORUM]:
        share_by_speed(options)
    share_in_turn()
    prefetch_three()


def share_by_speed(options):
    queue = unique("task_queue")
    with connect() as connection:
        slow, fast = connection.channel(), connection.channel()
        slow.queue_declare(queue=queue, **options)
        slow.basic_qos(prefetch_count=1)
        fast.basic_qos(prefetch_count=1)
        held, done = [], []
        slow.basic_consume(queue, lambda _, method, __, body: held.append(method.delivery_tag))

        def finish(channel, method, properties, body):
            channel.basic_ack(method.delivery_tag)
            done.append(body)

        fast.basic_consume(queue, finish)
        publish(connection.channel(), queue)
        process_until(connection, lambda: len(done) == COUNT - 1, "the fast worker")
        equal((len(held), len(done)), (1, COUNT - 1), "slow and fast")
        slow.basic_ack(held[0])
        slow.queue_delete(queue)


def share_in_turn():
    """Without a prefetch count each gets every second message, however slow it is."""
    queue = unique("task_queue")
    with connect() as connection:
        channels = [connection.channel(), connection.channel()]
        channels[0].queue_declare(queue=queue)
        got = [[], []]
        for channel, bodies in zip(channels, got):
            channel.basic_consume(queue, lambda _, __, ___, body, to=bodies: to.append(body))
        bodies = publish(connection.channel(), queue)
        process_until(connection, lambda: len(got[0]) + len(got[1]) == COUNT, "all messages")
        equal(sorted(got), [bodies[0::2], bodies[1::2]])
        channels[0].queue_delete(queue)


def prefetch_three():
    """The window holds three; each ack lets one more in."""
    queue = unique("task_queue")
    with connect() as connection:
        channel = connection.channel()
        channel.queue_declare(queue=queue)
        bodies = publish(connection.channel(), queue)
        channel.basic_qos(prefetch_count=3)
        tags, got = [], []

        def on_message(channel, method, properties, body):
            tags.append(method.delivery_tag)
            got.append(body)

        channel.basic_consume(queue, on_message)
        process_until(connection, lambda: len(got) >= 3, "three messages")
        equal(channel.queue_declare(queue=queue, passive=True).method.message_count, COUNT - 3)
        connection.process_data_events(time_limit=0)
        equal(got, bodies[:3])
        channel.basic_ack(tags[0])
        process_until(connection, lambda: len(got) >= 4, "a fourth message")
        equal(channel.queue_declare(queue=queue, passive=True).method.message_count, COUNT - 4)
        channel.basic_ack(0, multiple=True)
        process_until(connection, lambda: len(got) >= 7, "three more")
        equal(got, bodies[:7])
        channel.queue_delete(queue)


def publish(channel, queue):
    """With confirms, so that the messages are there and count."""
    channel.confirm_delivery()
    bodies = [f"task {number}".encode() for number in range(COUNT)]
    for body in bodies:
        channel.basic_publish("", queue, body)
    return bodies


play(main)

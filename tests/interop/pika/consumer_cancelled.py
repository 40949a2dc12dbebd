"""A consumer is told when its queue is deleted under it."""

from support import PATIENCE, connect, equal, play, process_until, receive, true, unique


def main():
    queue = unique("doomed")
    with connect() as connection, connect() as other:
        other.channel().queue_declare(queue)
        channel = connection.channel()
        cancelled = []
        channel.add_on_cancel_callback(lambda frame: cancelled.append(frame.method.consumer_tag))
        channel.basic_consume(queue, print, consumer_tag="watcher")
        other.channel().queue_delete(queue)
        process_until(connection, lambda: cancelled, "the cancel")
        equal(cancelled, ["watcher"])
        equal(channel.is_open, True)
        channel.basic_cancel("watcher")

        other.channel().queue_declare(queue)
        other.channel().basic_publish("", queue, "last")
        bodies = []
        for method, _, body in channel.consume(queue, auto_ack=True, inactivity_timeout=PATIENCE):
            true(method is not None, "consume() ends by itself")
            bodies.append(body)
            other.channel().queue_delete(queue)
        equal(bodies, [b"last"])

        again = channel.queue_declare("", exclusive=True).method.queue
        tag = channel.basic_consume(again, print)
        true(tag != "", "a tag is made up")
        channel.basic_cancel(tag)
        channel.basic_publish("", again, "after the cancel")
        equal([body for _, _, body in receive(channel, again, 1)], [b"after the cancel"])


play(main)

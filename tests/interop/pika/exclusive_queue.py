"""An exclusive queue is its connection's alone, and goes with it."""

from pika.exceptions import ChannelClosedByBroker
from support import connect, equal, play, raises, true, unique


def main():
    queue = unique("mine")
    with connect() as other:
        owner = connect()
        channel = owner.channel()
        channel.queue_declare(queue, exclusive=True)
        for action in [
            lambda channel: channel.queue_declare(queue, exclusive=True),
            lambda channel: channel.queue_declare(queue),
            lambda channel: channel.queue_declare(queue, passive=True),
            lambda channel: channel.basic_consume(queue, print),
            lambda channel: channel.basic_get(queue),
            lambda channel: channel.queue_bind(queue, "amq.fanout"),
            lambda channel: channel.queue_purge(queue),
            lambda channel: channel.queue_delete(queue),
        ]:
            error = raises(ChannelClosedByBroker, lambda: action(other.channel()))
            equal(error.reply_code, 405)
            text = f"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{queue}'"
            true(error.reply_text.startswith(text), error.reply_text)

        # anybody may publish to it, and its owner use it on any channel
        other.channel().basic_publish("", queue, "from outside")
        owner.channel().queue_declare(queue, exclusive=True)
        owner.close()
        other.channel().queue_declare(queue, exclusive=True)


play(main)

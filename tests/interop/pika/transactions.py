"""tx: publishes and acks count from the commit on, and a rollback forgets them."""

from pika.exceptions import ChannelClosedByBroker
from support import connect, equal, play, raises, unique


def main():
    with connect() as connection:
        observer = connection.channel()
        queue = observer.queue_declare(queue=unique("accounts"), exclusive=True).method.queue

        def count():
            return observer.queue_declare(queue=queue, passive=True).method.message_count

        channel = connection.channel()
        channel.tx_select()
        channel.basic_publish("", queue, "a")
        channel.basic_publish("", queue, "b")
        equal(count(), 0, "before the commit")
        channel.tx_commit()
        equal(count(), 2, "after the commit")
        channel.basic_publish("", queue, "c")
        channel.tx_rollback()
        channel.tx_commit()
        equal(count(), 2, "after a rollback")

        method, _, body = channel.basic_get(queue)
        equal(body, b"a")
        channel.basic_ack(method.delivery_tag)
        channel.tx_rollback()
        channel.close()
        method, _, body = observer.basic_get(queue)
        equal((body, method.redelivered), (b"a", True), "its ack was rolled back")
        observer.basic_nack(method.delivery_tag)

        channel = connection.channel()
        channel.tx_select()
        method, _, body = channel.basic_get(queue)
        channel.basic_ack(method.delivery_tag)
        channel.tx_commit()
        channel.close()
        equal(observer.basic_get(queue)[2], b"b", "the ack of a was committed")

        error = raises(ChannelClosedByBroker, connection.channel().tx_commit)
        equal(error.reply_code, 406)
        equal(error.reply_text, "PRECONDITION_FAILED - channel is not transactional")


play(main)

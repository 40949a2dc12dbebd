"""kombu without Celery: simple queues, pooled and compressed publishing, a lasting consumer."""

import os
import threading
import uuid

from kombu import Connection, Exchange, Queue, pools
from kombu.exceptions import ChannelError
from kombu.mixins import ConsumerMixin
from support import PATIENCE, control_broker, equal, raises, true

URL = os.environ["AMQP_URL"]
NAME = f"kombu-{uuid.uuid4().hex[:8]}"


class Collector(ConsumerMixin):
    """Collects what comes, whatever becomes of its connection."""

    def __init__(self, connection, queue):
        self.connection = connection
        self._queue = queue
        self._news = threading.Condition()
        self._bodies = []
        self._starts = 0

    def get_consumers(self, consumer_class, channel):
        return [consumer_class([self._queue], callbacks=[self._collect], prefetch_count=10)]

    def on_consume_ready(self, *_, **__):
        with self._news:
            self._starts += 1
            self._news.notify_all()

    def wait_for(self, body):
        with self._news:
            true(self._news.wait_for(lambda: body in self._bodies, PATIENCE), f"that {body} came")

    def wait_until_ready(self, times):
        with self._news:
            true(self._news.wait_for(lambda: self._starts >= times, PATIENCE), "that it consumes")

    def _collect(self, body, message):
        message.ack()
        with self._news:
            self._bodies.append(body)
            self._news.notify_all()


def main():
    with Connection(URL) as connection:
        simple(connection)
        error = raises(ChannelError, lambda: Queue(f"{NAME}-missing").bind(
            connection.channel()
        ).queue_declare(passive=True))  # fmt: skip
        equal(
            [error.reply_code, error.reply_text],
            [404, f"NOT_FOUND - no queue '{NAME}-missing' in vhost '/'"],
        )
    survive()


def simple(connection):
    queue = connection.SimpleQueue(f"{NAME}-simple")
    for number in range(20):
        queue.put({"number": number}, compression="zlib" if number % 2 else None)
    equal(queue.qsize(), 20, "size")
    for number in range(20):
        message = queue.get(timeout=PATIENCE)
        equal(message.payload, {"number": number})
        message.ack()
    raises(queue.Empty, lambda: queue.get(block=False))
    queue.close()
    Queue(f"{NAME}-simple").bind(connection.channel()).delete()


def survive():
    exchange = Exchange(f"{NAME}-events", type="topic", durable=True)
    queue = Queue(f"{NAME}-collector", exchange, routing_key="event.#", durable=True)
    collector = Collector(Connection(URL), queue)
    thread = threading.Thread(target=collector.run, daemon=True)
    thread.start()
    collector.wait_until_ready(1)
    producing = Connection(URL, transport_options={"confirm_publish": True})

    def publish(body):
        # retried by kombu when the connection of the pool turns out to be lost
        with pools.producers[producing].acquire(block=True) as producer:
            producer.publish(
                body,
                exchange=exchange,
                routing_key="event.one",
                declare=[exchange, queue],
                retry=True,
                retry_policy={"interval_start": 0.1, "max_retries": 100},
            )

    publish("before")
    collector.wait_for("before")
    control_broker("kill")
    publish("after")
    collector.wait_for("after")
    collector.should_stop = True
    thread.join(PATIENCE)
    with Connection(URL) as connection:
        queue.bind(connection.channel()).delete()
        exchange.bind(connection.channel()).delete()


if __name__ == "__main__":
    main()

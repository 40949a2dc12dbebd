"""SelectConnection: callbacks on an event loop, thousands of confirmed messages in order."""

import pika
from support import equal, parameters, play, unique

COUNT = 5000


class Flow:
    """Publishes with confirms, consumes what was published, and closes when both are through."""

    def __init__(self):
        self._queue = unique("stream")
        self._confirmed = 0
        self._nacked = 0
        self._received = []
        self._error = None
        self._connection = pika.SelectConnection(
            parameters(),
            on_open_callback=lambda connection: connection.channel(
                on_open_callback=self._on_channel_open
            ),
            on_open_error_callback=lambda _, error: self._fail(error),
            on_close_callback=lambda connection, _: connection.ioloop.stop(),
        )

    def run(self):
        self._connection.ioloop.start()
        if self._error is not None:
            raise self._error
        equal(self._nacked, 0)
        equal(self._confirmed, COUNT)
        equal(self._received, [str(number).encode() for number in range(COUNT)])

    def _on_channel_open(self, channel):
        self._channel = channel
        channel.add_on_close_callback(lambda _, reason: self._on_channel_closed(reason))
        channel.confirm_delivery(self._on_confirm)
        channel.queue_declare(self._queue, exclusive=True, callback=self._on_declared)

    def _on_declared(self, _):
        self._channel.basic_qos(prefetch_count=100, callback=self._on_qos)

    def _on_qos(self, _):
        self._channel.basic_consume(self._queue, self._on_message)
        for number in range(COUNT):
            self._channel.basic_publish("", self._queue, str(number).encode())

    def _on_confirm(self, frame):
        method = frame.method
        if isinstance(method, pika.spec.Basic.Nack):
            self._nacked += 1
        first = self._confirmed + 1 if method.multiple else method.delivery_tag
        self._confirmed += method.delivery_tag - first + 1
        self._close_when_through()

    def _on_message(self, channel, method, properties, body):
        self._received.append(body)
        if len(self._received) % 50 == 0:
            channel.basic_ack(method.delivery_tag, multiple=True)
        self._close_when_through()

    def _close_when_through(self):
        if self._confirmed == COUNT and len(self._received) == COUNT:
            self._connection.close()

    def _on_channel_closed(self, reason):
        if not isinstance(reason, pika.exceptions.ChannelClosedByClient):
            if not isinstance(reason, pika.exceptions.ConnectionClosedByClient):
                self._fail(reason)

    def _fail(self, error):
        self._error = error
        self._connection.ioloop.stop()


play(lambda: Flow().run())

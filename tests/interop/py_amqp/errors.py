"""Errors by class: a soft one costs the channel, a hard one the connection."""

import amqp
from support import connect, drain_until, equal, raises, unique


def main():
    missing = unique("missing")
    with connect() as connection:
        channel = connection.channel()
        error = raises(amqp.NotFound, lambda: channel.queue_declare(missing, passive=True))
        equal((error.reply_code, error.method_name), (404, "Queue.declare"))
        equal(error.reply_text, f"NOT_FOUND - no queue '{missing}' in vhost '/'")
        # the library opens a closed channel again by itself, under the same number
        equal((channel.is_open, connection.connected), (True, True))

        queue = channel.queue_declare("", exclusive=True).queue
        returned = []
        channel.events["basic_return"].add(lambda *values: returned.append(values))
        channel.basic_publish(amqp.Message("?"), routing_key=missing, mandatory=True)
        drain_until(connection, lambda: returned)
        [(error, exchange, routing_key, message)] = returned
        equal((error.reply_code, error.reply_text), (312, "NO_ROUTE"))
        equal((exchange, routing_key, message.body), ("", missing, "?"))

        cancelled = []
        channel.basic_consume(queue, on_cancel=cancelled.append, consumer_tag="watcher")
        channel.queue_delete(queue)
        if not cancelled:
            drain_until(connection, lambda: cancelled)
        equal(cancelled, ["watcher"])
    vhost = unique("nowhere")
    error = raises(amqp.NotAllowed, lambda: connect(virtual_host=vhost).connect())
    equal((error.reply_code, error.reply_text), (530, f"NOT_ALLOWED - vhost {vhost} not found"))


main()

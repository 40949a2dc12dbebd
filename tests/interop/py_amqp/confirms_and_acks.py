"""Publishing with confirms, consuming with prefetch and acks, and getting, as kombu does it."""

from amqp import Message
from support import connect, drain_until, equal, unique

COUNT = 20


def main():
    queue, exchange = unique("jobs"), unique("jobs")
    with connect(confirm_publish=True) as connection:
        channel = connection.channel()
        channel.exchange_declare(exchange, "direct", durable=True, auto_delete=False)
        declared = channel.queue_declare(queue, durable=True, auto_delete=False)
        equal((declared.queue, declared.message_count, declared.consumer_count), (queue, 0, 0))
        channel.queue_bind(queue, exchange, routing_key="job")
        for number in range(COUNT):
            channel.basic_publish(
                Message(f"job {number}", delivery_mode=2, content_type="text/plain"),
                exchange=exchange,
                routing_key="job",
            )
        got = []

        def on_message(message):
            got.append(message.body)
            info = message.delivery_info
            equal((info["exchange"], info["routing_key"]), (exchange, "job"))
            equal((info["delivery_tag"], info["redelivered"]), (len(got), False))
            channel.basic_ack(message.delivery_tag)

        channel.basic_qos(prefetch_size=0, prefetch_count=4, a_global=False)
        tag = channel.basic_consume(queue, callback=on_message)
        drain_until(connection, lambda: len(got) == COUNT)
        equal(got, [f"job {number}" for number in range(COUNT)])
        channel.basic_cancel(tag)

        equal(channel.basic_get(queue), None)
        channel.basic_publish(Message("one more"), exchange=exchange, routing_key="job")
        message = channel.basic_get(queue)
        equal((message.body, message.delivery_info["message_count"]), ("one more", 0))
        channel.basic_reject(message.delivery_tag, requeue=True)
        message = channel.basic_get(queue, no_ack=True)
        equal((message.body, message.delivery_info["redelivered"]), ("one more", True))
        channel.queue_delete(queue)
        channel.exchange_delete(exchange)


main()

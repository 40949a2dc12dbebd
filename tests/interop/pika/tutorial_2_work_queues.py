"""Work queues: tasks that survive the broker are shared among workers that ack each one."""

import pika
from pika.exceptions import ChannelClosedByBroker
from support import DURABLE, QUORUM, Worker, connect, equal, play, raises, say, unique

TASKS = [f"task {number}{'.' * (number % 3)}" for number in range(12)]


def main():
    share_tasks(DURABLE)
    share_tasks(QUORUM)
    refuse_other_properties()


def share_tasks(options):
    queue = unique("task_queue")
    with connect() as connection:
        channel = connection.channel()
        channel.queue_declare(queue=queue, **options)
        with Worker("worker", queue) as first, Worker("worker", queue) as second:
            equal([first.line(), second.line()], ["ready", "ready"])
            for task in TASKS:
                channel.basic_publish(
                    exchange="",
                    routing_key=queue,
                    body=task,
                    properties=pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent),
                )
            # Both are idle when the first two tasks come, so each gets one of them.
            first_done, second_done = [first.line()], [second.line()]
            equal(sorted(first_done + second_done), TASKS[:2])
            publish_stop(channel, queue, 2)
            done = first_done + second_done + rest(first) + rest(second)
            equal(sorted(done), sorted(TASKS))
        equal(channel.queue_declare(queue=queue, passive=True).method.message_count, 0)
        channel.queue_delete(queue)


def publish_stop(channel, queue, count):
    for _ in range(count):
        channel.basic_publish(exchange="", routing_key=queue, body="stop")


def rest(worker):
    lines = []
    while (line := worker.line()) != "stop":
        lines.append(line)
    return lines


def worker(queue):
    connection = connect()
    channel = connection.channel()

    def on_message(channel, method, properties, body):
        channel.basic_ack(delivery_tag=method.delivery_tag)
        if body == b"stop":
            channel.stop_consuming()
            return
        equal(properties.delivery_mode, 2)
        say(body.decode())

    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(queue=queue, on_message_callback=on_message)
    say("ready")
    channel.start_consuming()
    connection.close()
    say("stop")


def refuse_other_properties():
    queue = unique("hello")
    with connect() as connection:
        connection.channel().queue_declare(queue=queue)
        channel = connection.channel()
        error = raises(
            ChannelClosedByBroker, lambda: channel.queue_declare(queue=queue, durable=True)
        )
        equal(error.reply_code, 406)
        equal(
            error.reply_text,
            f"PRECONDITION_FAILED - inequivalent arg 'durable' for queue '{queue}' in vhost '/':"
            " received 'true' but current is 'false'",
        )
        connection.channel().queue_delete(queue)


play(main, worker=worker)

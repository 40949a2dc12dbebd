"""A worker that is killed: what it had not acked goes to the next one, marked as redelivered."""

import pika
from support import (
    CLASSIC,
    QUORUM,
    Worker,
    connect,
    equal,
    play,
    process_until,
    receive,
    say,
    unique,
)

TASKS = [f"task {number}".encode() for number in range(5)]


def main():
    for options in [CLASSIC, QUORUM]:
        redeliver_unacked(options)
        redeliver_to_waiting_consumer(options)
    forget_what_needs_no_ack()


def redeliver_unacked(options):
    queue = unique("task_queue")
    with connect() as connection:
        channel = connection.channel()
        channel.queue_declare(queue=queue, **options)
        publish(channel, queue)
        with Worker("ack_two", queue) as worker:
            equal([worker.line() for _ in TASKS], [body.decode() for body in TASKS])
            equal(worker.line(), "acked")
            worker.kill()
        messages = receive(channel, queue, 3)
        equal([body for _, _, body in messages], TASKS[2:])
        equal([method.redelivered for method, _, _ in messages], [True] * 3)
        channel.basic_ack(messages[-1][0].delivery_tag, multiple=True)
        equal(channel.basic_get(queue)[0], None)
        channel.queue_delete(queue)


def redeliver_to_waiting_consumer(options):
    queue = unique("task_queue")
    with connect() as connection:
        channel = connection.channel()
        channel.queue_declare(queue=queue, **options)
        publish(channel, queue)
        with Worker("ack_none", queue) as worker:
            equal([worker.line() for _ in TASKS], [body.decode() for body in TASKS])
            got = []
            channel.basic_consume(
                queue, lambda _, method, __, body: got.append((method.redelivered, body))
            )
            connection.process_data_events(time_limit=0)
            equal(got, [])
            worker.kill()
            process_until(connection, lambda: len(got) == len(TASKS), "redelivery")
        equal(got, [(True, body) for body in TASKS])
        channel.queue_delete(queue)


def forget_what_needs_no_ack():
    queue = unique("task_queue")
    with connect() as connection:
        channel = connection.channel()
        channel.queue_declare(queue=queue)
        publish(channel, queue)
        with Worker("auto_ack", queue) as worker:
            equal([worker.line() for _ in TASKS], [body.decode() for body in TASKS])
            worker.kill()

        def declared():
            return channel.queue_declare(queue=queue, passive=True).method

        process_until(connection, lambda: declared().consumer_count == 0, "end of the worker")
        equal(declared().message_count, 0)
        equal(channel.basic_get(queue)[0], None)
        channel.queue_delete(queue)


def publish(channel, queue):
    properties = pika.BasicProperties(delivery_mode=2)
    for body in TASKS:
        channel.basic_publish("", queue, body, properties)


def work(queue, auto_ack=False, acks=0):
    connection = connect()
    channel = connection.channel()
    count = 0

    def on_message(channel, method, properties, body):
        nonlocal count
        equal(method.redelivered, False)
        say(body.decode())
        count += 1
        if count <= acks:
            channel.basic_ack(method.delivery_tag)
        if acks > 0 and count == len(TASKS):
            # an answer to this means that the acks have arrived
            channel.queue_declare(queue=queue, passive=True)
            say("acked")

    channel.basic_consume(queue=queue, on_message_callback=on_message, auto_ack=auto_ack)
    channel.start_consuming()


play(
    main,
    ack_two=lambda queue: work(queue, acks=2),
    ack_none=work,
    auto_ack=lambda queue: work(queue, auto_ack=True),
)

"""A worker that stops beating: its connection is given up and its message goes to the next."""

from support import Worker, connect, equal, play, process_until, say, unique


def main():
    queue = unique("task_queue")
    with connect() as connection:
        channel = connection.channel()
        channel.queue_declare(queue=queue)
        channel.basic_publish("", queue, "task")
        with Worker("worker", queue) as worker:
            equal(worker.line(), "task")
            got = []
            channel.basic_consume(
                queue, lambda _, method, __, body: got.append((method.redelivered, body))
            )
            worker.freeze()
            process_until(connection, lambda: got, "redelivery")
        equal(got, [(True, b"task")])
        channel.queue_delete(queue)


def worker(queue):
    connection = connect(heartbeat=2)
    channel = connection.channel()
    channel.basic_consume(queue, lambda _, __, ___, body: say(body.decode()))
    channel.start_consuming()


play(main, worker=worker)

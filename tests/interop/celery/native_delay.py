"""Tasks that the broker holds back: quorum queues, and twenty-eight of them behind each other."""

import time

from kombu import Exchange, Queue
from support import PATIENCE, QUEUE, Worker, count_messages, equal, make_app, true

tasks = Exchange(f"{QUEUE}-tasks", type="topic")
app = make_app(
    task_queues=[
        Queue(QUEUE, tasks, routing_key=QUEUE, queue_arguments={"x-queue-type": "quorum"})
    ],
    task_default_exchange=tasks.name,
    task_default_exchange_type="topic",
    task_default_routing_key=QUEUE,
    task_default_queue_type="quorum",
    task_acks_late=True,
    broker_transport_options={"confirm_publish": True},
)


@app.task(bind=True)
def when(self):
    return [
        time.time(),
        self.request.delivery_info["exchange"],
        self.request.delivery_info["routing_key"],
    ]


def main():
    with Worker().ready():
        equal(when.delay().get(PATIENCE)[1:], [tasks.name, QUEUE])
        started = time.time()
        later = [when.apply_async(countdown=seconds) for seconds in (3, 1, 2)]
        far = when.apply_async(countdown=5 * 24 * 3600)
        for seconds, result in zip((3, 1, 2), later):
            ran, _, key = result.get(PATIENCE)
            true(ran - started > seconds - 0.1, f"a delay of {seconds} s")
            true(key.endswith(f".{QUEUE}"), "that it went through the exchanges")
    # 432,000 s begin with 2^18 s, and no worker holds the task
    with app.connection_for_read() as connection:
        equal(count_messages(connection, "celery_delayed_18"), 1)
        with connection.channel() as channel:
            channel.queue_purge("celery_delayed_18")
    equal(far.state, "PENDING")


if __name__ == "__main__":
    main()

"""Priorities: a worker that comes late takes the urgent tasks first."""

import itertools

from kombu import Queue
from support import PATIENCE, QUEUE, Worker, equal, make_app

app = make_app(
    task_queues=[Queue(QUEUE, routing_key=QUEUE, queue_arguments={"x-max-priority": 10})],
    task_default_priority=5,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
)
order = itertools.count()


@app.task
def place():
    return next(order)


def main():
    results = [place.apply_async()]
    results += [place.apply_async(priority=priority) for priority in [0, 9, 3, 10, 200, 9, 0]]
    with Worker():
        places = [result.get(PATIENCE) for result in results]
    # the first has the default of 5, 200 is cut to 10, equal ones keep their order
    equal(places, [4, 6, 2, 5, 0, 1, 3, 7])


if __name__ == "__main__":
    main()

"""A worker with the solo pool: results over RPC, errors, retries, countdown, chains and groups."""

import time

from celery import chain, chord, group
from celery.exceptions import TaskRevokedError
from support import PATIENCE, Worker, equal, make_app, raises, true

app = make_app()


@app.task
def add(left, right):
    return left + right


@app.task
def fail():
    raise KeyError("no such thing")


class Busy(Exception):
    """What a task tries again after."""


@app.task(bind=True, autoretry_for=(Busy,), retry_kwargs={"max_retries": 3, "countdown": 0.2})
def succeed_on(self, attempt):
    if self.request.retries < attempt:
        raise Busy(self.request.retries)
    return self.request.retries


@app.task(bind=True)
def describe(self):
    info = self.request.delivery_info
    return [info["exchange"], info["routing_key"], info["redelivered"], time.time()]


def main():
    with Worker().ready():
        results()
        retries()
        countdown()
        compositions()


def results():
    equal(add.delay(2, 3).get(PATIENCE), 5)
    error = raises(KeyError, lambda: fail.delay().get(PATIENCE))
    equal(error.args, ("no such thing",))
    large = "x" * 500_000
    equal(add.delay(large, large).get(PATIENCE), large + large, "a large result")
    # results that come in another order than they are asked for
    many = [add.delay(number, number) for number in range(30)]
    equal([result.get(PATIENCE) for result in reversed(many)], list(range(58, -2, -2)))


def retries():
    equal(succeed_on.delay(2).get(PATIENCE), 2, "retries")
    error = raises(Exception, lambda: succeed_on.delay(9).get(PATIENCE))
    equal([type(error).__name__, str(error)], ["Busy", "3"])


def countdown():
    queue = app.conf.task_default_queue
    started = time.time()
    later = describe.apply_async(countdown=1)
    exchange, key, redelivered, _ = describe.delay().get(PATIENCE)
    equal([exchange, key, redelivered], ["", queue, False])
    _, _, _, ran = later.get(PATIENCE)
    true(ran - started >= 1, "a countdown of one second")
    expired = add.apply_async((1, 1), countdown=0.5, expires=0.1)
    raises(TaskRevokedError, lambda: expired.get(PATIENCE))


def compositions():
    equal(chain(add.s(1, 2), add.s(3), add.s(4)).delay().get(PATIENCE), 10)
    numbers = group(add.s(number, 1) for number in range(10))
    equal(numbers.delay().get(timeout=PATIENCE), list(range(1, 11)))
    # Celery has no chords over this backend, whatever the broker
    raises(NotImplementedError, lambda: chord([add.s(1, 1)], add.s(1)).delay())


if __name__ == "__main__":
    main()

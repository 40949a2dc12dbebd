"""A worker that is killed in the middle of a task, and the one that gets it next."""

from celery.utils.log import get_task_logger
from support import PATIENCE, Worker, close_gate, equal, make_app, open_gate, wait_at_gate

app = make_app(task_acks_late=True, worker_prefetch_multiplier=1)
logger = get_task_logger(__name__)


@app.task(bind=True)
def work(self, number):
    logger.warning("begin %s", number)
    wait_at_gate()
    return [number, self.request.delivery_info["redelivered"], self.request.hostname]


@app.task(bind=True, acks_late=False)
def work_once(self):
    logger.warning("begin once")
    wait_at_gate()


def main():
    try:
        redeliver()
        lose_what_was_acked()
    finally:
        close_gate()


def redeliver():
    with Worker(name="first").ready() as first, Worker(name="second").ready() as second:
        one = work.delay(1)
        two = work.delay(2)
        first.wait_for("begin")
        second.wait_for("begin")
        victim, other = (1, 2) if first.logged("begin 1") else (2, 1)
        first.kill()
        open_gate()
        results = {1: one.get(PATIENCE), 2: two.get(PATIENCE)}
        equal(results[victim], [victim, True, second.name], "the task of the killed worker")
        equal(results[other], [other, False, second.name], "the other task")


def lose_what_was_acked():
    close_gate()
    # the solo pool acks when it has time again, which is after the task
    with Worker(name="third", pool="prefork").ready() as third:
        work_once.delay()
        third.wait_for("begin once")
        inspect = app.control.inspect([third.name], timeout=PATIENCE, limit=1)
        while not any(task["acknowledged"] for task in inspect.active()[third.name]):
            pass
        inspect.ping()  # which is answered after the ack
        third.kill()
        open_gate()
    with Worker(name="fourth").ready() as fourth:
        equal(work.delay(3).get(PATIENCE), [3, False, fourth.name])
        equal(fourth.logged("begin once"), False)


if __name__ == "__main__":
    main()

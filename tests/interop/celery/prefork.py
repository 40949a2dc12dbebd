"""A worker with the prefork pool: its processes work at once, and are killed at their work."""

import os
import signal

from celery import group
from celery.exceptions import WorkerLostError
from celery.utils.log import get_task_logger
from support import PATIENCE, Worker, close_gate, equal, make_app, open_gate, raises, wait_at_gate

app = make_app()
logger = get_task_logger(__name__)


@app.task
def process_at_gate():
    logger.warning("at the gate")
    wait_at_gate()
    return os.getpid()


@app.task
def die():
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(bind=True, acks_late=True, reject_on_worker_lost=True)
def die_once(self):
    if not self.request.delivery_info["redelivered"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def main():
    with Worker(pool="prefork", concurrency=2).ready() as worker:
        # the gate stays closed until two processes stand before it
        both = group(process_at_gate.s() for _ in range(2)).delay()
        worker.wait_for("at the gate", 2)
        open_gate()
        equal(len(set(both.get(timeout=PATIENCE))), 2, "processes")
        close_gate()

        raises(WorkerLostError, lambda: die.delay().get(PATIENCE))
        equal(die_once.delay().get(PATIENCE), "survived")


if __name__ == "__main__":
    main()

"""A broker that ends and comes back, in order and without: the worker goes on and loses no task."""

from celery.utils.log import get_task_logger
from support import (
    PATIENCE,
    Worker,
    close_gate,
    control_broker,
    equal,
    make_app,
    open_gate,
    wait_at_gate,
)

COUNT = 5

# what is not confirmed may go with a broker that is killed
app = make_app(task_acks_late=True, broker_transport_options={"confirm_publish": True})
logger = get_task_logger(__name__)


@app.task(ignore_result=True)
def hold(name):
    logger.warning("hold %s", name)
    wait_at_gate()
    logger.warning("let go %s", name)


@app.task(ignore_result=True)
def note(name):
    logger.warning("note %s", name)


@app.task
def add(left, right):
    return left + right


def main():
    try:
        with Worker(pool="prefork").ready() as worker:
            survive(worker, "restart", 1)
            equal(add.delay(1, 1).get(PATIENCE), 2)
            survive(worker, "kill", 2)
            # the same client, which had not noticed
            equal(add.delay(2, 2).get(PATIENCE), 4)
    finally:
        close_gate()


def survive(worker, action, losses):
    close_gate()
    names = [f"{action} {number}" for number in range(COUNT)]
    # closed again, since a client that does not listen would not answer a broker that says goodbye
    with app.connection_for_write() as connection:
        hold.apply_async((action,), connection=connection)
        worker.wait_for(f"hold {action}")
        for name in names:
            note.apply_async((name,), connection=connection)
    control_broker(action)
    worker.wait_for("Connection to broker lost", losses)
    open_gate()
    # its ack was for a connection that is gone, so it comes once more
    worker.wait_for(f"let go {action}", 2)
    for name in names:
        worker.wait_for(f"note {name}")


if __name__ == "__main__":
    main()

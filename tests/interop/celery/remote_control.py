"""Remote control: broadcasts and their replies, revoked tasks, added queues, shutdown."""

from celery.exceptions import TaskRevokedError
from celery.utils.log import get_task_logger
from support import PATIENCE, QUEUE, Worker, equal, make_app, raises

app = make_app()
logger = get_task_logger(__name__)


@app.task
def add(left, right):
    logger.warning("adding %s and %s", left, right)
    return left + right


def main():
    with (
        Worker(name="first", gossip=True).ready() as first,
        Worker(name="second", gossip=True).ready() as second,
    ):
        first.wait_for("sync with second@interop")
        names = {first.name, second.name}
        inspect = app.control.inspect(timeout=PATIENCE, limit=2)
        equal(inspect.ping(), {name: {"ok": "pong"} for name in names})
        one = app.control.inspect([first.name], timeout=PATIENCE, limit=1)
        equal(one.ping(), {first.name: {"ok": "pong"}})
        queues = inspect.active_queues()
        equal({name: [queue["name"] for queue in queues[name]] for name in names},
              {name: [QUEUE] for name in names})  # fmt: skip
        equal(set(inspect.stats()), names)

        revoke(inspect)
        add_queue(first, one)
        app.control.shutdown()
        equal([first.ended(), second.ended()], [0, 0], "exit status")


def revoke(inspect):
    doomed = add.apply_async((1, 1), countdown=3600)
    reserved = {}
    while not any(reserved.values()):
        reserved = inspect.scheduled()
    doomed.revoke()
    while doomed.id not in sum(inspect.revoked().values(), []):
        pass
    # a worker that comes to a revoked task does not run it
    equal(add.delay(2, 2).get(PATIENCE), 4)
    again = add.apply_async((3, 3), task_id=doomed.id)
    raises(TaskRevokedError, lambda: again.get(PATIENCE))


def add_queue(worker, one):
    extra = f"{QUEUE}-extra"
    app.control.add_consumer(
        extra, destination=[worker.name], reply=True, timeout=PATIENCE, limit=1
    )
    equal(add.apply_async((4, 4), queue=extra).get(PATIENCE), 8)
    worker.wait_for("adding 4 and 4")
    app.control.cancel_consumer(extra, destination=[worker.name], reply=True, timeout=PATIENCE,
                                limit=1)  # fmt: skip
    names = [queue["name"] for queue in one.active_queues()[worker.name]]
    equal(names, [QUEUE])


if __name__ == "__main__":
    main()

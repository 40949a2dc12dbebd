"""Tasks run, are tried again with a pause, are delayed, have priorities, and die after their last try."""

import dramatiq
from support import QUEUE, Worker, make_broker, told

broker = make_broker(max_priority=10)


@dramatiq.actor(queue_name=QUEUE)
def add(a, b):
    told(f"{a} + {b} = {a + b}")


@dramatiq.actor(queue_name=QUEUE, max_retries=3, min_backoff=50, max_backoff=200)
def flaky(tries=[]):
    tries.append(None)
    if len(tries) < 3:
        raise ValueError("not yet")
    told(f"flaky after {len(tries)}")


@dramatiq.actor(queue_name=QUEUE, max_retries=0)
def doomed():
    raise ValueError("never")


def main():
    for number in range(50):
        add.send(number, 1)
    # it waits in a queue of its own, whose consumer holds it back
    add.send_with_options(args=(1000, 1), delay=300)
    add.send_with_options(args=(2000, 1), broker_priority=9)
    flaky.send()
    doomed.send()
    with Worker() as worker:
        expected = [f"{number} + 1 = {number + 1}" for number in [*range(50), 1000, 2000]]
        worker.wait_for(*expected, "flaky after 3")
        worker.stop()
        assert len(worker.done()) == len(expected) + 1, worker.done()
    ready, delayed, dead = broker.get_queue_message_counts(QUEUE)
    assert (ready, delayed, dead) == (0, 0, 1), (ready, delayed, dead)
    for suffix in ("", ".DQ", ".XQ"):
        broker.channel.queue_delete(QUEUE + suffix)
    broker.close()


if __name__ == "__main__":
    main()

"""A worker goes on after the broker was killed, and does all that was confirmed."""

import dramatiq
from support import QUEUE, Worker, kill_broker, make_broker, told

broker = make_broker()


@dramatiq.actor(queue_name=QUEUE)
def count(number):
    told(str(number))


def main():
    with Worker() as worker:
        for number in range(100):
            if number == 50:
                kill_broker()
            count.send(number)
        worker.wait_for(*map(str, range(100)))
        worker.stop()
    for suffix in ("", ".DQ", ".XQ"):
        broker.channel.queue_delete(QUEUE + suffix)
    broker.close()


if __name__ == "__main__":
    main()

"""Events: what a monitor hears of workers and tasks on the topic exchange `celeryev`."""

import threading

from support import PATIENCE, Worker, equal, make_app, true

app = make_app(task_send_sent_event=True)


@app.task
def add(left, right):
    return left + right


@app.task
def fail():
    raise ValueError("as asked")


def main():
    state = app.events.State()
    listening = threading.Event()
    heard = []

    def hear(event):
        state.event(event)
        heard.append(event["type"])
        receiver.should_stop = {"task-succeeded", "task-failed"} <= set(heard)

    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": hear})
        monitor = threading.Thread(
            target=lambda: receiver.capture(limit=None, timeout=PATIENCE, wakeup=True), daemon=True
        )
        receiver.on_consume_ready = lambda *_, **__: listening.set()
        monitor.start()
        true(listening.wait(PATIENCE), "that the monitor consumes")
        with Worker("-E").ready() as worker:
            one = add.delay(1, 2)
            two = fail.delay()
            monitor.join(PATIENCE)
            true(not monitor.is_alive(), f"that all was heard, {heard} in fact, and")

    of_one = [kind for kind in ["task-sent", "task-received", "task-started"] if kind in heard]
    equal(of_one, ["task-sent", "task-received", "task-started"])
    equal(state.tasks[one.id].result, "3")
    equal(state.tasks[one.id].worker.hostname, worker.name)
    equal(state.tasks[two.id].exception, "ValueError('as asked')")
    true(worker.name in state.workers, "that the worker is known")


if __name__ == "__main__":
    main()

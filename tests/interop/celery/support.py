"""What the Celery programs share. Each is an app of its own: its workers run `-A` with its name."""

import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.request
import uuid

from celery import Celery

HERE = pathlib.Path(__file__).parent

# Seconds after which something that should have come has not.
PATIENCE = 60

# The workers of a program inherit the names that it made up.
QUEUE = os.environ.setdefault("CELERY_QUEUE", f"celery-{uuid.uuid4().hex[:8]}")
GATE = os.environ.setdefault("CELERY_GATE", f"{tempfile.gettempdir()}/gate-{uuid.uuid4().hex}")


def make_app(**settings):
    """An app named after the program, with results over RPC and a queue that no other run uses."""
    app = Celery(pathlib.Path(sys.argv[0]).stem, broker=os.environ["AMQP_URL"], backend="rpc://")
    app.conf.update(
        {
            "task_default_queue": QUEUE,
            "broker_connection_retry_on_startup": True,
            "result_expires": 60,
            **settings,
        }
    )
    return app


class Worker:
    """`celery worker` in a process of its own; what it logs is kept."""

    def __init__(self, *options, name="worker", pool="solo", concurrency=1, gossip=False):
        self._name = f"{name}@interop"
        command = [sys.executable, "-B", "-m", "celery", "-A", pathlib.Path(sys.argv[0]).stem]
        arguments = ["worker", "-l", "INFO", "-n", self._name, "-P", pool, "-c", str(concurrency)]
        # looking for other workers takes a second
        alone = [] if gossip else ["--without-gossip", "--without-mingle"]
        self._process = subprocess.Popen(
            [*command, *arguments, *alone, *options],
            cwd=HERE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines = []
        self._ended = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def name(self):
        """What remote control calls it."""
        return self._name

    def wait_for(self, text, count=1):
        """Waits until so many of its lines contain the text, and returns them."""
        with self._news:
            self._news.wait_for(lambda: self._ended or self._count(text) >= count, PATIENCE)
            if self._count(text) < count:
                raise AssertionError(f"{self._name} did not log {text!r} {count} times")
            return [line for line in self._lines if text in line]

    def ready(self):
        """Waits until it consumes."""
        self.wait_for(" ready.")
        return self

    def logged(self, text):
        with self._news:
            return self._count(text) > 0

    def ended(self):
        """Waits for its end, and returns its exit status."""
        return self._process.wait(PATIENCE)

    def stop(self):
        """Asks it to finish what it does and go."""
        self._process.terminate()
        return self.ended()

    def kill(self):
        """Ends it at once, with no chance to close anything."""
        self._process.kill()
        self._process.wait()

    def _count(self, text):
        return sum(text in line for line in self._lines)

    def _read(self):
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join()
        self._process.stdout.close()
        if kind is not None:
            print(f"{self._name} logged:\n{''.join(self._lines)}", file=sys.stderr)


def wait_at_gate():
    """Lets a task take as long as the program wants."""
    while not os.path.exists(GATE):
        threading.Event().wait(0.02)


def open_gate():
    pathlib.Path(GATE).touch()


def close_gate():
    pathlib.Path(GATE).unlink(missing_ok=True)


def control_broker(action):
    """Has the broker ended and started again: `restart` in an orderly way, `kill` without."""
    request = urllib.request.Request(os.environ["INTEROP_CONTROL_URL"] + action, method="POST")
    urllib.request.urlopen(request).close()


def count_messages(connection, queue):
    """How many messages wait there."""
    with connection.channel() as channel:
        return channel.queue_declare(queue=queue, passive=True).message_count


def equal(actual, expected, what="value"):
    if actual != expected:
        raise AssertionError(f"{what}: expected {expected!r}, got {actual!r}")


def true(value, what):
    if not value:
        raise AssertionError(f"{what} does not hold")


def raises(kind, action):
    """Runs the action and returns the exception that it must raise."""
    try:
        action()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")

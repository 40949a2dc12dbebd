"""What the dramatiq programs share."""

import os
import pathlib
import subprocess
import sys
import threading
import urllib.request
import uuid

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

HERE = pathlib.Path(__file__).parent

# Seconds after which something that should have come has not.
PATIENCE = 60

# The workers of a program inherit the name that it made up.
QUEUE = os.environ.setdefault("DRAMATIQ_QUEUE", f"dramatiq-{uuid.uuid4().hex[:8]}")


def make_broker(**options):
    """A broker whose messages are confirmed, which all actors of the program use."""
    broker = RabbitmqBroker(url=os.environ["AMQP_URL"], confirm_delivery=True, **options)
    dramatiq.set_broker(broker)
    return broker


class Worker:
    """`dramatiq` in a process of its own: its actors tell what they do by lines of its output."""

    def __init__(self, *options):
        program = pathlib.Path(sys.argv[0]).stem
        command = [sys.executable, "-B", "-m", "dramatiq", program, "--processes", "1"]
        self._process = subprocess.Popen(
            [*command, "--threads", "2", *options],
            cwd=HERE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line.strip())
                self._news.notify_all()

    def done(self):
        """What actors have told so far."""
        return [line.removeprefix("done ") for line in self._lines if line.startswith("done ")]

    def wait_for(self, *expected):
        """Returns when actors have told all of these."""
        with self._news:
            came = self._news.wait_for(lambda: set(expected) <= set(self.done()), PATIENCE)
        assert came, "\n".join(self._lines)

    def stop(self):
        """Ends it as a user would."""
        self._process.terminate()
        self._process.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)


def told(text):
    """Tells the program that an actor has done something."""
    # in one piece: the threads of a worker write at the same time
    print(f"done {text}\n", end="", flush=True)


def kill_broker():
    """Returns when the broker was ended without being asked, and listens again."""
    request = urllib.request.Request(f"{os.environ['INTEROP_CONTROL_URL']}kill", method="POST")
    with urllib.request.urlopen(request, timeout=PATIENCE * 2) as response:
        assert response.status == 204, response.status

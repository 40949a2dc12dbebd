"""What the pika programs share: where the broker is, fresh names, workers, comparing."""

import os
import signal
import subprocess
import sys
import time
import uuid

import pika

PORT = int(os.environ["AMQP_PORT"])

# Seconds after which something that should have come has not.
PATIENCE = 60

# The queues of the tutorials, as they were and as they are today.
CLASSIC = {}
DURABLE = {"durable": True}
QUORUM = {"durable": True, "arguments": {"x-queue-type": "quorum"}}


def parameters(**options):
    patience = {"socket_timeout": PATIENCE, "stack_timeout": PATIENCE}
    return pika.ConnectionParameters(host="127.0.0.1", port=PORT, **patience, **options)


def connect(**options):
    return pika.BlockingConnection(parameters(**options))


def unique(name):
    """A name that no other run uses."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


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


def receive(channel, queue, count, **options):
    """Consumes so many messages: a list of (method, properties, body)."""
    messages = []
    for message in channel.consume(queue, inactivity_timeout=PATIENCE, **options):
        if message[0] is None:
            raise AssertionError(f"{queue}: {len(messages)} of {count} messages came")
        messages.append(message)
        if len(messages) == count:
            break
    channel.cancel()
    return messages


def process_until(connection, done, what):
    """Lets the connection work until the condition holds."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if done():
            return
        connection.process_data_events(time_limit=0.1)
    raise AssertionError(f"{what}: waited for {PATIENCE} s")


class Worker:
    """This program again, in a process of its own and in another role."""

    def __init__(self, role, *arguments):
        command = [sys.executable, *sys.orig_argv[1 : -len(sys.argv)]]
        self._process = subprocess.Popen(
            [*command, sys.argv[0], role, *arguments], stdout=subprocess.PIPE, text=True
        )

    def line(self):
        """The next line that it prints."""
        line = self._process.stdout.readline()
        if line == "":
            raise AssertionError(f"the worker ended with {self._process.wait()}")
        return line.rstrip("\n")

    def kill(self):
        """Ends it at once, with no chance to close anything."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def freeze(self):
        """Keeps its sockets open and its heart from beating."""
        self._signal(signal.SIGSTOP)

    def _signal(self, number):
        self._process.send_signal(number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self._process.stdout.close()


def say(line):
    """Prints a line for the parent to read."""
    print(line, flush=True)


def play(main, **roles):
    """Plays the role that the command line names; the main one when it names none."""
    if len(sys.argv) > 1:
        roles[sys.argv[1]](*sys.argv[2:])
    else:
        main()

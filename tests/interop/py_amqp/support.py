"""What the py-amqp programs share."""

import os
import uuid

import amqp

HOST = f"127.0.0.1:{os.environ['AMQP_PORT']}"

# Seconds after which something that should have come has not.
PATIENCE = 60


def connect(**options):
    """Logs in with AMQPLAIN, which this library prefers, unless told otherwise."""
    return amqp.Connection(HOST, connect_timeout=PATIENCE, **options)


def unique(name):
    """A name that no other run uses."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


def equal(actual, expected, what="value"):
    if actual != expected:
        raise AssertionError(f"{what}: expected {expected!r}, got {actual!r}")


def raises(kind, action):
    """Runs the action and returns the exception that it must raise."""
    try:
        action()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def drain_until(connection, done):
    """Lets the connection work until the condition holds."""
    while not done():
        connection.drain_events(timeout=PATIENCE)

"""What the aio-pika programs share: where the broker is, fresh names, waiting, comparing."""

import asyncio
import os
import urllib.request
import uuid

URL = os.environ["AMQP_URL"]

# Seconds after which something that should have come has not.
PATIENCE = 60


def unique(name):
    """A name that no other run uses."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


async def within(awaitable, what):
    """What should not take long."""
    try:
        return await asyncio.wait_for(awaitable, PATIENCE)
    except TimeoutError:
        raise AssertionError(f"{what}: waited for {PATIENCE} s") from None


async def control_broker(action):
    """Has the broker ended and started again: `restart` in an orderly way, `kill` without."""
    request = urllib.request.Request(os.environ["INTEROP_CONTROL_URL"] + action, method="POST")
    (await asyncio.to_thread(urllib.request.urlopen, request)).close()


def equal(actual, expected, what="value"):
    if actual != expected:
        raise AssertionError(f"{what}: expected {expected!r}, got {actual!r}")


async def raises(kind, awaitable):
    """Awaits and returns the exception that must be raised."""
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")

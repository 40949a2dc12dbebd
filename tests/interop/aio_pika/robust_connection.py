"""A robust connection while the broker ends and comes back: it declares and consumes anew, and what
was confirmed is delivered."""

import asyncio
import logging

import aio_pika
from support import URL, control_broker, equal, unique, within

# it logs each attempt to connect with its stack
logging.getLogger("aio_pika").setLevel(logging.CRITICAL)
logging.getLogger("aiormq").setLevel(logging.CRITICAL)


async def main():
    connection = await aio_pika.connect_robust(URL, reconnect_interval=0.2)
    async with connection:
        for action in ["restart", "kill"]:
            await survive(connection, action)


async def survive(connection, action):
    reconnected = asyncio.Event()
    connection.reconnect_callbacks.add(lambda *_: reconnected.set())
    received = set()
    news = asyncio.Event()

    async def receive(message):
        async with message.process():
            received.add(message.body)
            news.set()

    channel = await connection.channel()
    await channel.set_qos(prefetch_count=5)
    exchange = await channel.declare_exchange(unique("orders"), "topic", durable=True)
    durable = await channel.declare_queue(unique("kept"), durable=True)
    await durable.bind(exchange, "kept.#")
    await durable.consume(receive)
    passing = await channel.declare_queue(unique("passing"), auto_delete=True)
    await passing.bind(exchange, "passing.#")
    await passing.consume(receive)

    confirmed = set()
    publisher = asyncio.create_task(publish(connection, exchange.name, confirmed))
    await within(until(news, lambda: len(received) > 20), "deliveries before")
    await control_broker(action)
    await within(reconnected.wait(), "reconnection")
    before = set(confirmed)
    await within(until(news, lambda: len(received - before) > 20), "deliveries after")
    publisher.cancel()
    await asyncio.gather(publisher, return_exceptions=True)
    await within(until(news, lambda: confirmed <= received), "what was confirmed")

    # the queue that went with its consumer was declared and bound again
    message = aio_pika.Message(b"again")
    await exchange.publish(message, "passing.on")
    await within(until(news, lambda: b"again" in received), "the queue that was not durable")
    equal((await durable.declare()).message_count, 0, "what waits")
    await durable.delete(if_unused=False, if_empty=False)
    await channel.close()


async def publish(connection, exchange_name, confirmed):
    """Publishes until it is cancelled; what is not confirmed counts as lost."""
    channel = await connection.channel()
    exchange = await channel.get_exchange(exchange_name)
    number = 0
    while True:
        number += 1
        body = f"order {number}".encode()
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        try:
            await exchange.publish(message, "kept.order", timeout=5)
        except Exception:
            await asyncio.sleep(0.05)  # to try again at once would take all the time there is
        else:
            confirmed.add(body)


async def until(news, holds):
    while not holds():
        news.clear()
        await news.wait()


asyncio.run(main())

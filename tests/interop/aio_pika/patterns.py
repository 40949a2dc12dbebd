"""The patterns that come with aio-pika: RPC with its dead-letter exchange, master and worker."""

import asyncio

import aio_pika
from aio_pika.exceptions import MessageProcessError
from aio_pika.patterns import RPC, JsonMaster, NackMessage, RejectMessage
from support import URL, equal, raises, unique, within


async def main():
    async with await aio_pika.connect_robust(URL) as connection:
        await call(connection)
        await master_and_worker(connection)


async def call(connection):
    multiply, fail, slow = unique("multiply"), unique("fail"), unique("slow")
    async with connection.channel() as server, connection.channel() as client:
        served = await RPC.create(server)

        async def multiply_numbers(*, x, y):
            return x * y

        async def refuse():
            raise ValueError("as asked")

        await served.register(multiply, multiply_numbers, auto_delete=True)
        await served.register(fail, refuse, auto_delete=True)
        # a method that nobody serves at the moment
        await client.declare_queue(slow, auto_delete=True, arguments={
            "x-dead-letter-exchange": RPC.DLX_NAME,
        })  # fmt: skip

        rpc = await RPC.create(client)
        calls = [rpc.call(multiply, {"x": number, "y": number}) for number in range(100)]
        equal(await within(asyncio.gather(*calls), "answers"), [n * n for n in range(100)])
        equal(await getattr(rpc.proxy, multiply)(x=6, y=7), 42)
        error = await raises(ValueError, rpc.call(fail))
        equal(error.args, ("as asked",))
        # a call of nothing comes back, one that nobody takes expires and dead-letters to the caller
        await raises(MessageProcessError, within(rpc.call(unique("missing")), "return"))
        await raises(asyncio.TimeoutError, rpc.call(slow, expiration=0.2))
        await rpc.close()
        await served.close()


async def master_and_worker(connection):
    queue = unique("tasks")
    done = asyncio.Queue()
    tried = set()

    async def work(*, number):
        if number == 3 and number not in tried:
            tried.add(number)
            raise NackMessage(requeue=True)
        if number == 4:
            raise RejectMessage(requeue=False)
        await done.put(number)

    async with connection.channel() as channel:
        await channel.set_qos(prefetch_count=1)
        master = JsonMaster(channel)
        workers = [await master.create_worker(queue, work, auto_delete=True) for _ in range(3)]
        for number in range(10):
            await master.create_task(queue, {"number": number})
        numbers = [await within(done.get(), "tasks") for _ in range(9)]
        equal(sorted(numbers), [0, 1, 2, 3, 5, 6, 7, 8, 9])
        equal(tried, {3})
        for worker in workers:
            await worker.close()


asyncio.run(main())

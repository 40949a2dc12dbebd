import type { BehaviourCase } from "../support/harness.ts";
import { Collector, counts, exchangeExists, fill, queueExists, take } from "./observe.ts";

/** Exchanges and queues that go when nobody uses them any more. */
export const autoDelete: readonly BehaviourCase[] = [
  {
    name: "a queue goes with its last consumer",
    async run({ connection, channel, queue }) {
      const name = await queue("q", { autoDelete: true });
      const one = await Collector.start(channel, name);
      const two = await Collector.start(channel, name);
      await one.consumer.cancel();
      const withOneLeft = await queueExists(connection, name);
      await two.consumer.cancel();
      return [withOneLeft, await queueExists(connection, name)];
    },
    expect: [true, false],
  },
  {
    name: "a queue that never had a consumer stays",
    async run({ connection, channel, queue }) {
      const name = await queue("q", { autoDelete: true });
      await fill(channel, name, "1");
      (await take(channel, name)).ack();
      return await queueExists(connection, name);
    },
    expect: true,
  },
  {
    name: "a queue goes when the channel of its last consumer closes",
    async run({ connection, openChannel, queue }) {
      const name = await queue("q", { autoDelete: true });
      const consuming = await openChannel();
      await Collector.start(consuming, name);
      await consuming.close();
      return await queueExists(connection, name);
    },
    expect: false,
  },
  {
    name: "a queue goes when the connection of its last consumer closes",
    async run({ connection, connect, queue }) {
      const name = await queue("q", { autoDelete: true });
      const other = await connect();
      await Collector.start(await other.openChannel(), name);
      await other.close();
      return await queueExists(connection, name);
    },
    expect: false,
  },
  {
    name: "a queue goes with what it still holds",
    async run({ connection, channel, queue }) {
      const name = await queue("q", { autoDelete: true });
      await channel.basicQos({ prefetchCount: 1 });
      const { consumer } = await Collector.start(channel, name);
      await fill(channel, name, "1 2 3");
      await consumer.cancel();
      const there = await queueExists(connection, name);
      await channel.queueDeclare(name, { autoDelete: true });
      return [there, await counts(channel, name)];
    },
    expect: [false, "0 ready, 0 consumers"],
  },
  {
    name: "a get is no consumer: a queue stays when one comes and goes",
    async run({ connection, channel, queue }) {
      const name = await queue("q", { autoDelete: true });
      await Collector.start(channel, name);
      await channel.basicGet(name);
      return await queueExists(connection, name);
    },
    expect: true,
  },
  {
    name: "an exchange goes with the last binding that it is the source of",
    async run({ connection, channel, exchange, queue }) {
      const name = await exchange("direct", "e", { autoDelete: true });
      const bound = await queue();
      for (const routingKey of ["a", "b"]) {
        await channel.queueBind({ queue: bound, exchange: name, routingKey });
      }
      await channel.queueUnbind({ queue: bound, exchange: name, routingKey: "a" });
      const withOneLeft = await exchangeExists(connection, name);
      await channel.queueUnbind({ queue: bound, exchange: name, routingKey: "b" });
      return [withOneLeft, await exchangeExists(connection, name)];
    },
    expect: [true, false],
  },
  {
    name: "an exchange that never had a binding stays",
    async run({ connection, channel, exchange, queue }) {
      const name = await exchange("direct", "e", { autoDelete: true });
      const bound = await queue();
      await channel.queueUnbind({ queue: bound, exchange: name, routingKey: "none" });
      return await exchangeExists(connection, name);
    },
    expect: true,
  },
  {
    name: "an exchange goes when the last queue bound to it is deleted",
    async run({ connection, channel, exchange, queue }) {
      const name = await exchange("direct", "e", { autoDelete: true });
      const bound = await queue();
      await channel.queueBind({ queue: bound, exchange: name });
      await channel.queueDelete(bound);
      return await exchangeExists(connection, name);
    },
    expect: false,
  },
  {
    name: "an exchange stays when the last binding to it goes",
    async run({ connection, channel, exchange }) {
      const source = await exchange("fanout", "source");
      const destination = await exchange("fanout", "destination", { autoDelete: true });
      await channel.exchangeBind({ source, destination });
      await channel.exchangeUnbind({ source, destination });
      return await exchangeExists(connection, destination);
    },
    expect: true,
  },
  {
    name: "exchanges in a row go one after the other when the queue at the end goes",
    async run({ connection, channel, exchange, queue }) {
      const first = await exchange("fanout", "first", { autoDelete: true });
      const second = await exchange("fanout", "second", { autoDelete: true });
      const last = await queue();
      await channel.exchangeBind({ source: first, destination: second });
      await channel.queueBind({ queue: last, exchange: second });
      await channel.queueDelete(last);
      return [await exchangeExists(connection, first), await exchangeExists(connection, second)];
    },
    expect: [false, false],
  },
  {
    name: "queue and exchange go together with the connection that owned them",
    async run({ connection, connect, exchange, name }) {
      const source = await exchange("fanout", "source", { autoDelete: true });
      const other = await connect();
      const theirs = await other.openChannel();
      const queue = name("theirs");
      await theirs.queueDeclare(queue, { exclusive: true });
      await theirs.queueBind({ queue, exchange: source });
      await other.close();
      return [await queueExists(connection, queue), await exchangeExists(connection, source)];
    },
    expect: [false, false],
  },
];

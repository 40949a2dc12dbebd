import type { BehaviourCase } from "../support/harness.ts";
import {
  Collector,
  drain,
  exchangeExists,
  fill,
  outcome,
  queueExists,
  untilReady,
} from "./observe.ts";

/** Opening and closing connections and channels. */
export const connections: readonly BehaviourCase[] = [
  {
    name: "the broker names its product, and what it can do",
    run({ connection }) {
      const { product, capabilities } = connection.serverProperties;
      return Promise.resolve({ product, capabilities });
    },
    expect: {
      product: "RabbitMQ",
      capabilities: {
        publisher_confirms: true,
        exchange_exchange_bindings: true,
        "basic.nack": true,
        consumer_cancel_notify: true,
        "connection.blocked": true,
        consumer_priorities: true,
        authentication_failure_close: true,
        per_consumer_qos: true,
        direct_reply_to: true,
      },
    },
  },
  {
    name: "the broker tells its version",
    run: ({ connection }) => Promise.resolve(connection.serverProperties.version),
    expect: "3.13.7",
  },
  {
    name: "many channels may be open, and each works",
    async run({ openChannel, queue, channel }) {
      const name = await queue();
      const channels = await Promise.all(Array.from({ length: 50 }, () => openChannel()));
      for (const [index, one] of channels.entries()) await fill(one, name, `${index}`);
      return [(await drain(channel, name)).length, channels.at(-1)!.number - channels[0]!.number];
    },
    expect: [50, 49],
  },
  {
    name: "the number of a closed channel is free",
    async run({ openChannel }) {
      const first = await openChannel();
      await first.close();
      const second = await openChannel();
      await outcome(second.basicGet("no such queue"));
      const third = await openChannel();
      return [second.number - first.number, third.number - first.number];
    },
    expect: [0, 0],
  },
  {
    name: "the close of a channel leaves what it declared",
    async run({ connection, openChannel, name }) {
      const other = await openChannel();
      const [queue, exchange] = [name("queue"), name("exchange")];
      await other.queueDeclare(queue);
      await other.exchangeDeclare(exchange, "fanout");
      await other.close();
      return [await queueExists(connection, queue), await exchangeExists(connection, exchange)];
    },
    expect: [true, true],
  },
  {
    name: "the close of a connection leaves what is not its own",
    async run({ connection, connect, name }) {
      const other = await connect();
      const queue = name("queue");
      await (await other.openChannel()).queueDeclare(queue);
      await other.close();
      return await queueExists(connection, queue);
    },
    expect: true,
  },
  {
    name: "what was published before the close has arrived",
    async run({ channel, connect, queue }) {
      const name = await queue();
      const other = await connect();
      const theirs = await other.openChannel();
      for (let count = 0; count < 100; count++) theirs.basicPublish({ routingKey: name }, "");
      await other.close();
      return (await drain(channel, name)).length;
    },
    expect: 100,
  },
  {
    name: "an orderly close has no reason",
    async run({ connect }) {
      const other = await connect();
      const channel = await other.openChannel();
      await other.close();
      return [await other.closed, await channel.closed];
    },
    expect: [undefined, undefined],
  },
  {
    name: "a hard error ends all channels of the connection with its reason",
    async run({ connect, queue }) {
      const name = await queue();
      const other = await connect();
      const [one, two] = [await other.openChannel(), await other.openChannel()];
      const collector = await Collector.start(two, name);
      const refused = await outcome(one.basicQos({ prefetchCount: 1, prefetchSize: 10 }));
      const reasons = [await other.closed, await one.closed, await two.closed];
      return [refused, reasons.map((reason) => reason?.message), collector.consumer.state];
    },
    expect: [
      [540, "NOT_IMPLEMENTED - prefetch_size!=0 (10)", "basic.qos"],
      Array(3).fill("NOT_IMPLEMENTED - prefetch_size!=0 (10)"),
      "closed",
    ],
  },
  {
    name: "a hard error gives back what was unacked, and takes the exclusive queues",
    async run({ connection, channel, connect, queue, name }) {
      const queueName = await queue();
      await fill(channel, queueName, "1 2");
      const other = await connect();
      const theirs = await other.openChannel();
      const own = name("own");
      await theirs.queueDeclare(own, { exclusive: true });
      await (await Collector.start(theirs, queueName)).until(2);
      await outcome(theirs.channelFlow({ active: false }));
      await other.closed;
      await untilReady(channel, queueName, 2);
      return [await drain(channel, queueName), await queueExists(connection, own)];
    },
    expect: [["1", "2"], false],
  },
  {
    name: "a new secret is taken without being looked at",
    run: ({ connection }) => outcome(connection.updateSecret("anything", "because")),
    expect: "ok",
  },
  {
    name: "flow may be switched on, where it is",
    run: ({ channel }) => outcome(channel.channelFlow({ active: true })),
    expect: "ok",
  },
];

import type { BehaviourCase } from "../support/harness.ts";
import { Collector, counts, drain, fill, outcome, queueExists, take } from "./observe.ts";

/** Declaring, purging and deleting queues. */
export const queues: readonly BehaviourCase[] = [
  {
    name: "a new one is empty and has the name that it was given",
    run: ({ channel, name }) => channel.queueDeclare(name("jobs")),
    expect: { queue: "jobs", messageCount: 0, consumerCount: 0 },
  },
  {
    name: "one without a name is given one by the broker",
    async run({ channel }) {
      const one = await channel.queueDeclare("", { exclusive: true });
      const two = await channel.queueDeclare("", { exclusive: true });
      return [one.queue, two.queue, one.queue !== two.queue];
    },
    expect: ["amq.gen-*", "amq.gen-*", true],
  },
  {
    name: "a redeclaration with the same properties tells how it stands with the queue",
    async run({ channel, queue }) {
      const options = { durable: true, autoDelete: true, arguments: { "x-max-length": 9 } };
      const name = await queue("jobs", options);
      await fill(channel, name, "1 2 3");
      return await channel.queueDeclare(name, options);
    },
    expect: { queue: "jobs", messageCount: 3, consumerCount: 0 },
  },
  {
    name: "the message count is of those that are ready, the consumer count of all",
    async run({ channel, openChannel, queue }) {
      const name = await queue("jobs");
      await fill(channel, name, "1 2 3");
      await take(channel, name);
      await channel.basicQos({ prefetchCount: 1 });
      await (await Collector.start(channel, name)).until(1);
      await Collector.start(await openChannel(), name, { consumerTag: "two" });
      return (await counts(channel, name)).slice(2);
    },
    expect: "ready, 2 consumers",
  },
  {
    name: "integer arguments are the same whatever width they are sent in",
    async run({ channel, queue }) {
      const name = await queue("q", { arguments: { "x-max-length": 10 } });
      return await outcome(channel.queueDeclare(name, { arguments: { "x-max-length": 10n } }));
    },
    expect: "ok",
  },
  {
    name: "a redeclaration may differ in arguments that mean nothing",
    async run({ channel, queue }) {
      const name = await queue("q", { arguments: { "x-mine": "a" } });
      return await outcome(channel.queueDeclare(name, { arguments: { "x-mine": "b" } }));
    },
    expect: "ok",
  },
  {
    name: "a classic one may be redeclared by naming its type, or not",
    async run({ channel, queue }) {
      const unnamed = await queue("unnamed");
      const named = await queue("named", { arguments: { "x-queue-type": "classic" } });
      return [
        await outcome(
          channel.queueDeclare(unnamed, { arguments: { "x-queue-type": "classic" } }),
        ),
        await outcome(channel.queueDeclare(named)),
      ];
    },
    expect: ["ok", "ok"],
  },
  {
    name: "a passive declaration compares nothing",
    async run({ channel, queue }) {
      const name = await queue("q", { durable: true });
      const options = { passive: true, autoDelete: true, arguments: { "x-max-length": 1 } };
      return await outcome(channel.queueDeclare(name, options));
    },
    expect: "ok",
  },
  {
    name: "a passive declaration of a name that the broker gave is fine",
    async run({ channel }) {
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      return await outcome(channel.queueDeclare(queue, { passive: true }));
    },
    expect: "ok",
  },
  {
    name: "line breaks in the name of one that is deleted do not count",
    async run({ connection, channel, queue }) {
      const name = await queue();
      await channel.queueDelete(`${name}\n`);
      return await queueExists(connection, name);
    },
    expect: false,
  },
  {
    name: "line breaks are taken out of a declared name",
    async run({ channel, name }) {
      return await channel.queueDeclare(`\r${name("clean")}\r\n`);
    },
    expect: { queue: "clean", messageCount: 0, consumerCount: 0 },
  },
  {
    name: "a name may be 255 octets of UTF-8",
    async run({ channel, name }) {
      const queue = name("ü".repeat(124));
      await channel.queueDeclare(queue);
      await fill(channel, queue, "there");
      return [new TextEncoder().encode(queue).length, await drain(channel, queue)];
    },
    expect: [255, ["there"]],
  },
  {
    name: "an empty name means the one declared last on the channel, everywhere",
    async run({ channel, queue, exchange }) {
      const source = await exchange("direct", "source");
      const name = await queue("last");
      await channel.queueBind({ queue: "", exchange: source, routingKey: "k" });
      await channel.basicPublish({ exchange: source, routingKey: "k" }, "1");
      const got = (await channel.basicGet("", { noAck: true }))?.text();
      await channel.queueUnbind({ queue: "", exchange: source, routingKey: "k" });
      await channel.basicPublish({ exchange: source, routingKey: "k" }, "not bound");
      await fill(channel, name, "2 3");
      const purged = await channel.queuePurge("");
      await Collector.start(channel, "");
      const counted = await counts(channel, name);
      return [got, purged, counted, await channel.queueDelete("")];
    },
    expect: ["1", { messageCount: 2 }, "0 ready, 1 consumers", { messageCount: 0 }],
  },
  {
    name: "a passive declaration makes its queue the one that an empty name means",
    async run({ channel, queue }) {
      const one = await queue("one");
      await queue("two");
      await fill(channel, one, "here");
      await channel.queueDeclare(one, { passive: true });
      return (await channel.basicGet(""))?.text();
    },
    expect: "here",
  },
  {
    name: "an empty name means nothing that another channel declared",
    async run({ openChannel, queue }) {
      await queue();
      return await outcome((await openChannel()).basicGet(""));
    },
    expect: [404, "NOT_FOUND - no previously declared queue", "basic.get"],
  },
  {
    name: "an empty name still means the last one when that is gone",
    async run({ channel, queue }) {
      await channel.queueDelete(await queue("gone"));
      return await outcome(channel.basicGet(""));
    },
    expect: [404, "NOT_FOUND - no queue 'gone' in vhost '/'", "basic.get"],
  },
  {
    name: "a purge drops what is ready and leaves what is unacked",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3");
      const first = await take(channel, name);
      const purged = await channel.queuePurge(name);
      first.nack();
      return [purged, await drain(channel, name)];
    },
    expect: [{ messageCount: 2 }, ["1"]],
  },
  {
    name: "a deletion tells how many ready messages went",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3");
      await take(channel, name);
      return await channel.queueDelete(name);
    },
    expect: { messageCount: 2 },
  },
  {
    name: "deleting one that does not exist is fine",
    async run({ channel, name }) {
      const nothing = name("nothing");
      return [
        await channel.queueDelete(nothing),
        await channel.queueDelete(nothing, { ifUnused: true, ifEmpty: true }),
      ];
    },
    expect: [{ messageCount: 0 }, { messageCount: 0 }],
  },
  {
    name: "one without messages and consumers can be deleted if unused and if empty",
    async run({ connection, channel, queue }) {
      const name = await queue();
      await channel.queueDelete(name, { ifUnused: true, ifEmpty: true });
      return await queueExists(connection, name);
    },
    expect: false,
  },
  {
    name: "one whose messages are all unacked counts as empty",
    async run({ connection, channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1");
      await take(channel, name);
      await channel.queueDelete(name, { ifEmpty: true });
      return await queueExists(connection, name);
    },
    expect: false,
  },
  {
    name: "acks for a deleted one are taken without a word",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3");
      const deliveries = [];
      for (let count = 0; count < 3; count++) deliveries.push(await take(channel, name));
      await (await openChannel()).queueDelete(name);
      deliveries[0]!.ack();
      deliveries[1]!.nack();
      deliveries[2]!.reject({ requeue: false });
      return await outcome(channel.basicQos({ prefetchCount: 0 }));
    },
    expect: "ok",
  },
  {
    name: "a deleted one is empty and unbound when it is declared again",
    async run({ channel, queue, exchange }) {
      const source = await exchange("fanout");
      const name = await queue();
      await channel.queueBind({ queue: name, exchange: source });
      await fill(channel, name, "old");
      await channel.queueDelete(name);
      await channel.queueDeclare(name);
      await channel.basicPublish({ exchange: source }, "lost");
      return await drain(channel, name);
    },
    expect: [],
  },
  {
    name: "they hold messages in the order of their publishing",
    async run({ channel, queue }) {
      const name = await queue();
      const bodies = Array.from({ length: 200 }, (_, index) => `${index}`);
      await fill(channel, name, bodies.join(" "));
      const drained = await drain(channel, name);
      return drained.length === 200 && drained.every((body, index) => body === `${index}`);
    },
    expect: true,
  },
];

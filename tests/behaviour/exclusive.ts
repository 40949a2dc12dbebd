import type { Channel } from "../../client/channel.ts";
import type { BehaviourCase } from "../support/harness.ts";
import { Collector, drain, fill, outcome, queueExists } from "./observe.ts";

const LOCKED =
  "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'mine' in vhost '/'. It " +
  "could be originally declared on another connection or the exclusive property value does not " +
  "match that of the original declaration.";

/** Queues that one connection has for itself. */
export const exclusive: readonly BehaviourCase[] = [
  {
    name: "another connection can do nothing with it",
    async run({ channel, connect, queue, exchange }) {
      const mine = await queue("mine", { exclusive: true });
      const source = await exchange("direct");
      await channel.queueBind({ queue: mine, exchange: source });
      const other = await connect();
      const tries: Record<string, (on: Channel) => Promise<unknown>> = {
        declare: (on) => on.queueDeclare(mine),
        declareExclusive: (on) => on.queueDeclare(mine, { exclusive: true }),
        passive: (on) => on.queueDeclare(mine, { passive: true }),
        bind: (on) => on.queueBind({ queue: mine, exchange: source }),
        unbind: (on) => on.queueUnbind({ queue: mine, exchange: source }),
        consume: (on) => on.basicConsume(mine),
        get: (on) => on.basicGet(mine),
        purge: (on) => on.queuePurge(mine),
        delete: (on) => on.queueDelete(mine),
      };
      const outcomes: Record<string, unknown> = {};
      for (const [attempt, run] of Object.entries(tries)) {
        outcomes[attempt] = await outcome(run(await other.openChannel()));
      }
      return outcomes;
    },
    expect: {
      declare: [405, LOCKED, "queue.declare"],
      declareExclusive: [405, LOCKED, "queue.declare"],
      passive: [405, LOCKED, "queue.declare"],
      bind: [405, LOCKED, "queue.bind"],
      unbind: [405, LOCKED, "queue.unbind"],
      consume: [405, LOCKED, "basic.consume"],
      get: [405, LOCKED, "basic.get"],
      purge: [405, LOCKED, "queue.purge"],
      delete: [405, LOCKED, "queue.delete"],
    },
  },
  {
    name: "another connection may unbind it from where it is not bound",
    async run({ connect, queue, exchange }) {
      const mine = await queue("mine", { exclusive: true });
      const theirs = await (await connect()).openChannel();
      return await outcome(theirs.queueUnbind({ queue: mine, exchange: await exchange("direct") }));
    },
    expect: "ok",
  },
  {
    name: "its own connection uses it from every channel",
    async run({ channel, openChannel, queue }) {
      const mine = await queue("mine", { exclusive: true });
      const other = await openChannel();
      await fill(channel, mine, "1 2");
      await other.queueDeclare(mine, { exclusive: true });
      return await drain(other, mine);
    },
    expect: ["1", "2"],
  },
  {
    name: "another connection may publish to it",
    async run({ channel, connect, queue }) {
      const mine = await queue("mine", { exclusive: true });
      const theirs = await (await connect()).openChannel();
      await theirs.confirmSelect();
      await theirs.basicPublish({ routingKey: mine }, "from outside");
      return await drain(channel, mine);
    },
    expect: ["from outside"],
  },
  {
    name: "it goes when its connection closes, whoever is bound to it",
    async run({ connection, connect, name, exchange, channel }) {
      const source = await exchange("fanout");
      const other = await connect();
      const theirs = await other.openChannel();
      const mine = name("mine");
      await theirs.queueDeclare(mine, { exclusive: true });
      await theirs.queueBind({ queue: mine, exchange: source });
      await fill(theirs, mine, "lost");
      await other.close();
      await channel.queueDeclare(mine);
      await channel.basicPublish({ exchange: source }, "not bound");
      return [await queueExists(connection, mine), await drain(channel, mine)];
    },
    expect: [true, []],
  },
  {
    name: "it stays when the channel that declared it closes",
    async run({ connection, openChannel, name }) {
      const other = await openChannel();
      const mine = name("mine");
      await other.queueDeclare(mine, { exclusive: true });
      await other.close();
      return await queueExists(connection, mine);
    },
    expect: true,
  },
  {
    name: "it stays when an error closes the channel that declared it",
    async run({ connection, openChannel, name }) {
      const other = await openChannel();
      const mine = name("mine");
      await other.queueDeclare(mine, { exclusive: true });
      await outcome(other.queueDeclare(name("nothing"), { passive: true }));
      return await queueExists(connection, mine);
    },
    expect: true,
  },
  {
    name: "a redeclaration without the flag is refused even to its own connection",
    async run({ channel, queue }) {
      const mine = await queue("mine", { exclusive: true });
      return await outcome(channel.queueDeclare(mine));
    },
    expect: [405, LOCKED, "queue.declare"],
  },
  {
    name: "a queue that is everybody's cannot be redeclared as exclusive",
    async run({ channel, queue }) {
      const mine = await queue("mine");
      return await outcome(channel.queueDeclare(mine, { exclusive: true }));
    },
    expect: [405, LOCKED, "queue.declare"],
  },
  {
    name: "durable or not makes no difference to it",
    async run({ channel, queue }) {
      const mine = await queue("mine", { exclusive: true, durable: true });
      return await outcome(channel.queueDeclare(mine, { exclusive: true, durable: false }));
    },
    expect: "ok",
  },
  {
    name: "with auto-delete it goes at the first of both occasions",
    async run({ connection, channel, queue }) {
      const mine = await queue("mine", { exclusive: true, autoDelete: true });
      const { consumer } = await Collector.start(channel, mine);
      await consumer.cancel();
      return await queueExists(connection, mine);
    },
    expect: false,
  },
  {
    name: "the reply text is cut to 255 octets",
    async run({ channel, queue }) {
      const mine = await queue("n".repeat(93), { exclusive: true });
      const refused = await outcome(channel.queueDeclare(mine));
      return refused === "ok" ? "ok" : new TextEncoder().encode(refused[1]).length;
    },
    expect: 255,
  },
];

import type { BehaviourCase } from "../support/harness.ts";
import { drain, exchangeExists, outcome } from "./observe.ts";

/** Declaring and deleting exchanges. */
export const exchanges: readonly BehaviourCase[] = [
  {
    name: "those of every vhost are there",
    async run({ connection }) {
      const names = [
        "amq.direct",
        "amq.fanout",
        "amq.headers",
        "amq.match",
        "amq.topic",
        "amq.rabbitmq.trace",
        "amq.none",
      ];
      const there: string[] = [];
      for (const name of names) if (await exchangeExists(connection, name)) there.push(name);
      return there;
    },
    expect: [
      "amq.direct",
      "amq.fanout",
      "amq.headers",
      "amq.match",
      "amq.topic",
      "amq.rabbitmq.trace",
    ],
  },
  {
    name: "each of the four types can be declared, and again with the same properties",
    async run({ channel, exchange }) {
      const answers: unknown[] = [];
      for (const type of ["direct", "fanout", "topic", "headers"]) {
        const name = await exchange(type, type);
        answers.push(await outcome(channel.exchangeDeclare(name, type)));
      }
      return answers;
    },
    expect: ["ok", "ok", "ok", "ok"],
  },
  {
    name: "a redeclaration may differ in arguments that mean nothing",
    async run({ channel, exchange }) {
      const name = await exchange("direct", "e", { arguments: { "x-one": 1 } });
      return await outcome(channel.exchangeDeclare(name, "direct", { arguments: { "x-two": 2 } }));
    },
    expect: "ok",
  },
  {
    name: "amq.topic may be redeclared as what it is",
    run: ({ channel }) => outcome(channel.exchangeDeclare("amq.topic", "topic", { durable: true })),
    expect: "ok",
  },
  {
    name: "a passive declaration does not look at type and flags",
    async run({ channel, exchange }) {
      const name = await exchange("direct");
      const options = { passive: true, durable: true, autoDelete: true, internal: true };
      return await outcome(channel.exchangeDeclare(name, "fanout", options));
    },
    expect: "ok",
  },
  {
    name: "a passive declaration does not look at an unknown type either",
    async run({ channel, exchange }) {
      const name = await exchange("direct");
      return await outcome(channel.exchangeDeclare(name, "no such type", { passive: true }));
    },
    expect: "ok",
  },
  {
    name: "line breaks in the name of one that is deleted do not count",
    async run({ connection, channel, exchange }) {
      const name = await exchange("direct");
      await channel.exchangeDelete(`${name}\n`);
      return await exchangeExists(connection, name);
    },
    expect: false,
  },
  {
    name: "line breaks are taken out of a declared name",
    async run({ connection, channel, name }) {
      const exchange = name("clean");
      await channel.exchangeDeclare(`\r\n${exchange}\n`, "direct");
      return await exchangeExists(connection, exchange);
    },
    expect: true,
  },
  {
    name: "a name may be 255 octets of UTF-8",
    async run({ connection, channel, name }) {
      const exchange = name("ü".repeat(124));
      await channel.exchangeDeclare(exchange, "direct");
      const octets = new TextEncoder().encode(exchange).length;
      return [octets, await exchangeExists(connection, exchange)];
    },
    expect: [255, true],
  },
  {
    name: "deleting one that does not exist is fine",
    run: ({ channel, name }) => outcome(channel.exchangeDelete(name("nothing"))),
    expect: "ok",
  },
  {
    name: "deleting one that does not exist if unused is fine",
    run: ({ channel, name }) =>
      outcome(channel.exchangeDelete(name("nothing"), { ifUnused: true })),
    expect: "ok",
  },
  {
    name: "a deleted one is gone",
    async run({ connection, channel, exchange }) {
      const name = await exchange("direct");
      await channel.exchangeDelete(name);
      return await exchangeExists(connection, name);
    },
    expect: false,
  },
  {
    name: "one that is only the target of bindings counts as unused",
    async run({ channel, exchange }) {
      const [source, destination] = [await exchange("fanout", "a"), await exchange("fanout", "b")];
      await channel.exchangeBind({ source, destination });
      return await outcome(channel.exchangeDelete(destination, { ifUnused: true }));
    },
    expect: "ok",
  },
  {
    name: "its bindings go with it",
    async run({ channel, exchange, queue }) {
      const name = await exchange("fanout");
      const bound = await queue();
      await channel.queueBind({ queue: bound, exchange: name });
      await channel.exchangeDelete(name);
      await channel.exchangeDeclare(name, "fanout");
      await channel.basicPublish({ exchange: name }, "lost");
      return await drain(channel, bound);
    },
    expect: [],
  },
  {
    name: "an internal one passes on what comes from another one",
    async run({ channel, exchange, queue }) {
      const [outer, inner] = [
        await exchange("fanout", "outer"),
        await exchange("fanout", "inner", { internal: true }),
      ];
      const bound = await queue();
      await channel.exchangeBind({ source: outer, destination: inner });
      await channel.queueBind({ queue: bound, exchange: inner });
      await channel.basicPublish({ exchange: outer }, "through");
      return await drain(channel, bound);
    },
    expect: ["through"],
  },
];

import type { BehaviourCase } from "../support/harness.ts";
import { drain, exchangeExists, outcome } from "./observe.ts";

/** Binding queues to exchanges, and taking bindings away. */
export const bindings: readonly BehaviourCase[] = [
  {
    name: "the same one twice is one",
    async run({ channel, exchange, queue }) {
      const address = { exchange: await exchange("direct"), routingKey: "k" };
      const binding = { ...address, queue: await queue() };
      await channel.queueBind(binding);
      await channel.queueBind(binding);
      await channel.basicPublish(address, "once");
      const bound = await drain(channel, binding.queue);
      await channel.queueUnbind(binding);
      await channel.basicPublish(address, "not bound");
      return [bound, await drain(channel, binding.queue)];
    },
    expect: [["once"], []],
  },
  {
    name: "those that come and go change the way of what is published to the same address",
    async run({ channel, exchange, queue }) {
      const address = { exchange: await exchange("topic"), routingKey: "k" };
      const [one, two] = [await queue("one"), await queue("two")];
      const publish = async (texts: string) => {
        for (const text of texts.split(" ")) await channel.basicPublish(address, text);
      };
      await publish("1 2 3");
      await channel.queueBind({ ...address, queue: one });
      await publish("4 5 6");
      await channel.queueBind({ ...address, queue: two, routingKey: "*" });
      await publish("7 8 9");
      await channel.queueUnbind({ ...address, queue: one });
      await publish("10 11 12");
      await channel.queueDelete(two);
      await publish("13 14 15");
      const onward = await exchange("fanout", "onward");
      await channel.exchangeBind({
        destination: onward,
        source: address.exchange,
        routingKey: "#",
      });
      await channel.queueBind({ queue: one, exchange: onward });
      await publish("16 17 18");
      return await drain(channel, one);
    },
    expect: ["4", "5", "6", "7", "8", "9", "16", "17", "18"],
  },
  {
    name: "what names further keys goes to them, between others to the same address",
    async run({ channel, exchange, queue }) {
      const address = { exchange: await exchange("direct"), routingKey: "k" };
      const [one, two] = [await queue("one"), await queue("two")];
      await channel.queueBind({ ...address, queue: one });
      await channel.queueBind({ ...address, queue: two, routingKey: "copy" });
      const properties = { headers: { CC: ["copy"] } };
      for (const text of ["1", "2", "3"]) await channel.basicPublish(address, text);
      for (const text of ["4", "5"]) await channel.basicPublish({ ...address, properties }, text);
      for (const text of ["6", "7"]) await channel.basicPublish(address, text);
      return [await drain(channel, one), await drain(channel, two)];
    },
    expect: [["1", "2", "3", "4", "5", "6", "7"], ["4", "5"]],
  },
  {
    name: "several between the same two bring each message once",
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("topic"), await queue()];
      for (const routingKey of ["#", "a.*", "*.b", "a.b"]) {
        await channel.queueBind({ queue: bound, exchange: source, routingKey });
      }
      await channel.basicPublish({ exchange: source, routingKey: "a.b" }, "once");
      return await drain(channel, bound);
    },
    expect: ["once"],
  },
  {
    name: "the key is part of what one is: the others stay when it is taken away",
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("direct"), await queue()];
      for (const routingKey of ["a", "b"]) {
        await channel.queueBind({ queue: bound, exchange: source, routingKey });
      }
      await channel.queueUnbind({ queue: bound, exchange: source, routingKey: "a" });
      for (const routingKey of ["a", "b"]) {
        await channel.basicPublish({ exchange: source, routingKey }, routingKey);
      }
      return await drain(channel, bound);
    },
    expect: ["b"],
  },
  {
    name: "the arguments are part of what one is, their order is not",
    async run({ channel, exchange, queue }) {
      const address = { exchange: await exchange("direct"), routingKey: "k" };
      const binding = { ...address, queue: await queue() };
      await channel.queueBind({ ...binding, arguments: { one: 1, two: 2 } });
      await channel.queueUnbind({ ...binding, arguments: { one: 1 } });
      await channel.queueUnbind({ ...binding });
      await channel.basicPublish(address, "still bound");
      const before = await drain(channel, binding.queue);
      await channel.queueUnbind({ ...binding, arguments: { two: 2, one: 1 } });
      await channel.basicPublish(address, "not bound");
      return [before, await drain(channel, binding.queue)];
    },
    expect: [["still bound"], []],
  },
  {
    name: "taking away what is not there is fine",
    async run({ channel, exchange, queue, name }) {
      const [source, bound] = [await exchange("direct"), await queue()];
      const nothing = name("nothing");
      return [
        await outcome(channel.queueUnbind({ queue: bound, exchange: source, routingKey: "k" })),
        await outcome(channel.queueUnbind({ queue: bound, exchange: nothing })),
        await outcome(channel.queueUnbind({ queue: nothing, exchange: source })),
        await outcome(channel.queueUnbind({ queue: nothing, exchange: nothing })),
      ];
    },
    expect: ["ok", "ok", "ok", "ok"],
  },
  {
    name: "when both ends are missing the exchange is missed first",
    run: ({ channel, name }) =>
      outcome(channel.queueBind({ queue: name("queue"), exchange: name("exchange") })),
    expect: [404, "NOT_FOUND - no exchange 'exchange' in vhost '/'", "queue.bind"],
  },
  {
    name: "an empty queue name with an empty key binds the last queue by its own name",
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("direct"), await queue()];
      await channel.queueBind({ queue: "", exchange: source });
      await channel.basicPublish({ exchange: source, routingKey: bound }, "by name");
      await channel.basicPublish({ exchange: source, routingKey: "" }, "by nothing");
      return await drain(channel, bound);
    },
    expect: ["by name"],
  },
  {
    name: "an empty queue name with a key binds the last queue by that key",
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("direct"), await queue()];
      await channel.queueBind({ queue: "", exchange: source, routingKey: "k" });
      await channel.basicPublish({ exchange: source, routingKey: bound }, "by name");
      await channel.basicPublish({ exchange: source, routingKey: "k" }, "by key");
      return await drain(channel, bound);
    },
    expect: ["by key"],
  },
  {
    name: "an empty queue name with an empty key unbinds in the same way",
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("direct"), await queue()];
      await channel.queueBind({ queue: bound, exchange: source, routingKey: bound });
      await channel.queueUnbind({ queue: "", exchange: source });
      await channel.basicPublish({ exchange: source, routingKey: bound }, "not bound");
      return await drain(channel, bound);
    },
    expect: [],
  },
  {
    name: "a queue's name with an empty key is an empty key",
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("direct"), await queue()];
      await channel.queueBind({ queue: bound, exchange: source });
      await channel.basicPublish({ exchange: source, routingKey: bound }, "by name");
      await channel.basicPublish({ exchange: source, routingKey: "" }, "by nothing");
      return await drain(channel, bound);
    },
    expect: ["by nothing"],
  },
  {
    name: "a queue may be bound to several exchanges, and each copy is a message",
    async run({ channel, exchange, queue }) {
      const bound = await queue();
      for (const label of ["a", "b"]) {
        const source = await exchange("fanout", label);
        await channel.queueBind({ queue: bound, exchange: source });
        await channel.basicPublish({ exchange: source }, `from ${label}`);
      }
      return await drain(channel, bound);
    },
    expect: ["from a", "from b"],
  },
];

/** Bindings from exchange to exchange. */
export const exchangeBindings: readonly BehaviourCase[] = [
  {
    name: "messages go from source to destination, not back",
    async run({ channel, exchange, queue }) {
      const [source, destination] = [await exchange("direct", "s"), await exchange("fanout", "d")];
      const bound = await queue();
      await channel.exchangeBind({ source, destination, routingKey: "k" });
      await channel.queueBind({ queue: bound, exchange: source, routingKey: "own" });
      await channel.queueBind({ queue: bound, exchange: destination });
      await channel.basicPublish({ exchange: source, routingKey: "k" }, "forward");
      await channel.basicPublish({ exchange: source, routingKey: "other" }, "elsewhere");
      const forward = await drain(channel, bound);
      await channel.queueUnbind({ queue: bound, exchange: destination });
      await channel.basicPublish({ exchange: destination, routingKey: "own" }, "back");
      return [forward, await drain(channel, bound)];
    },
    expect: [["forward"], []],
  },
  {
    name: "a message that comes by several ways arrives once",
    async run({ channel, exchange, queue }) {
      const [source, left, right, bottom] = [
        await exchange("fanout", "source"),
        await exchange("fanout", "left"),
        await exchange("fanout", "right"),
        await exchange("fanout", "bottom"),
      ];
      const bound = await queue();
      await channel.exchangeBind({ source, destination: left });
      await channel.exchangeBind({ source, destination: right });
      await channel.exchangeBind({ source: left, destination: bottom });
      await channel.exchangeBind({ source: right, destination: bottom });
      await channel.queueBind({ queue: bound, exchange: left });
      await channel.queueBind({ queue: bound, exchange: bottom });
      await channel.basicPublish({ exchange: source }, "once");
      return await drain(channel, bound);
    },
    expect: ["once"],
  },
  {
    name: "a circle ends where it began",
    async run({ channel, exchange, queue }) {
      const names = [
        await exchange("fanout", "a"),
        await exchange("fanout", "b"),
        await exchange("fanout", "c"),
      ];
      const queues: string[] = [];
      for (const [index, source] of names.entries()) {
        const destination = names[(index + 1) % names.length]!;
        await channel.exchangeBind({ source, destination });
        queues.push(await queue(`q${index}`));
        await channel.queueBind({ queue: queues[index]!, exchange: source });
      }
      await channel.basicPublish({ exchange: names[1]! }, "round");
      return [
        await drain(channel, queues[0]!),
        await drain(channel, queues[1]!),
        await drain(channel, queues[2]!),
      ];
    },
    expect: [["round"], ["round"], ["round"]],
  },
  {
    name: "an exchange may be bound to itself",
    async run({ channel, exchange, queue }) {
      const name = await exchange("fanout");
      const bound = await queue();
      await channel.exchangeBind({ source: name, destination: name });
      await channel.queueBind({ queue: bound, exchange: name });
      await channel.basicPublish({ exchange: name }, "once");
      return await drain(channel, bound);
    },
    expect: ["once"],
  },
  {
    name: "each exchange on the way looks at the routing key in its own way",
    async run({ channel, exchange, queue }) {
      const [topic, direct] = [await exchange("topic", "t"), await exchange("direct", "d")];
      const bound = await queue();
      await channel.exchangeBind({ source: topic, destination: direct, routingKey: "log.#" });
      await channel.queueBind({ queue: bound, exchange: direct, routingKey: "log.disk" });
      for (const routingKey of ["log.disk", "log.cpu", "disk"]) {
        await channel.basicPublish({ exchange: topic, routingKey }, routingKey);
      }
      return await drain(channel, bound);
    },
    expect: ["log.disk"],
  },
  {
    name: "unbinding ends it, and again is fine",
    async run({ channel, exchange, queue, name }) {
      const [source, destination] = [await exchange("fanout", "s"), await exchange("fanout", "d")];
      const bound = await queue();
      await channel.exchangeBind({ source, destination });
      await channel.queueBind({ queue: bound, exchange: destination });
      await channel.exchangeUnbind({ source, destination });
      await channel.basicPublish({ exchange: source }, "lost");
      const nothing = name("nothing");
      return [
        await drain(channel, bound),
        await outcome(channel.exchangeUnbind({ source, destination })),
        await outcome(channel.exchangeUnbind({ source: nothing, destination })),
        await outcome(channel.exchangeUnbind({ source, destination: nothing })),
      ];
    },
    expect: [[], "ok", "ok", "ok"],
  },
  {
    name: "when both ends are missing the source is missed first",
    run: ({ channel, name }) =>
      outcome(channel.exchangeBind({ source: name("source"), destination: name("destination") })),
    expect: [404, "NOT_FOUND - no exchange 'source' in vhost '/'", "exchange.bind"],
  },
  {
    name: "the arguments are part of what one is",
    async run({ channel, exchange, queue }) {
      const [source, destination] = [await exchange("fanout", "s"), await exchange("fanout", "d")];
      const bound = await queue();
      await channel.queueBind({ queue: bound, exchange: destination });
      await channel.exchangeBind({ source, destination, arguments: { one: 1 } });
      await channel.exchangeUnbind({ source, destination });
      await channel.basicPublish({ exchange: source }, "still bound");
      const before = await drain(channel, bound);
      await channel.exchangeUnbind({ source, destination, arguments: { one: 1 } });
      await channel.basicPublish({ exchange: source }, "not bound");
      return [before, await drain(channel, bound)];
    },
    expect: [["still bound"], []],
  },
  {
    name: "deleting the exchange in the middle cuts the way",
    async run({ connection, channel, exchange, queue }) {
      const [source, middle] = [await exchange("fanout", "s"), await exchange("fanout", "m")];
      const bound = await queue();
      await channel.exchangeBind({ source, destination: middle });
      await channel.queueBind({ queue: bound, exchange: middle });
      await channel.exchangeDelete(middle);
      await channel.exchangeDeclare(middle, "fanout");
      await channel.queueBind({ queue: bound, exchange: middle });
      await channel.basicPublish({ exchange: source }, "lost");
      return [await exchangeExists(connection, source), await drain(channel, bound)];
    },
    expect: [true, []],
  },
  {
    name: "line breaks in names do not count",
    async run({ channel, exchange, queue }) {
      const [source, destination] = [await exchange("direct", "s"), await exchange("direct", "d")];
      const bound = await queue();
      const broken = (name: string) => `\r${name}\n`;
      const onward = { destination: broken(destination), source: broken(source), routingKey: "k" };
      const taken = { queue: broken(bound), exchange: broken(destination), routingKey: "k" };
      const publish = (body: string) =>
        channel.basicPublish({ exchange: source, routingKey: "k" }, body);
      await channel.exchangeBind(onward);
      await channel.queueBind(taken);
      await publish("bound");
      await channel.queueUnbind(taken);
      await publish("not bound");
      await channel.queueBind(taken);
      await publish("bound again");
      await channel.exchangeUnbind(onward);
      await publish("not onward");
      return await drain(channel, bound);
    },
    expect: ["bound", "bound again"],
  },
  {
    name: "a binding made later counts for what is published later",
    async run({ channel, exchange, queue }) {
      const [source, destination] = [await exchange("direct", "s"), await exchange("direct", "d")];
      const bound = await queue();
      const publish = (body: string) =>
        channel.basicPublish({ exchange: source, routingKey: "k" }, body);
      await publish("before any");
      await channel.exchangeBind({ source, destination, routingKey: "k" });
      await publish("after one");
      await channel.queueBind({ queue: bound, exchange: destination, routingKey: "k" });
      await publish("after both");
      await channel.queueUnbind({ queue: bound, exchange: destination, routingKey: "k" });
      await publish("after the end");
      return await drain(channel, bound);
    },
    expect: ["after both"],
  },
];

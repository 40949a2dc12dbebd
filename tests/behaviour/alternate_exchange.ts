import type { BehaviourCase } from "../support/harness.ts";
import { drain, outcome } from "./observe.ts";

/** Where messages go that their exchange has no binding for. */
export const alternateExchange: readonly BehaviourCase[] = [
  {
    name: "it gets what nothing else gets, under the same routing key",
    async run({ channel, exchange, queue }) {
      const alternate = await exchange("direct", "alternate");
      const main = await exchange("direct", "main", {
        arguments: { "alternate-exchange": alternate },
      });
      const [bound, rest] = [await queue("bound"), await queue("rest")];
      await channel.queueBind({ queue: bound, exchange: main, routingKey: "known" });
      await channel.queueBind({ queue: rest, exchange: alternate, routingKey: "unknown" });
      for (const routingKey of ["known", "unknown", "lost"]) {
        await channel.basicPublish({ exchange: main, routingKey }, routingKey);
      }
      return [await drain(channel, bound), await drain(channel, rest)];
    },
    expect: [["known"], ["unknown"]],
  },
  {
    name: "a message keeps the name of the exchange that it was published to",
    async run({ channel, exchange, queue }) {
      const alternate = await exchange("fanout", "alternate");
      const main = await exchange("direct", "main", {
        arguments: { "alternate-exchange": alternate },
      });
      const rest = await queue();
      await channel.queueBind({ queue: rest, exchange: alternate });
      await channel.basicPublish({ exchange: main, routingKey: "k" }, "");
      const got = await channel.basicGet(rest);
      return [got?.exchange, got?.routingKey];
    },
    expect: ["main", "k"],
  },
  {
    name: "a message that it takes has been routed: it does not come back",
    async run({ channel, exchange, queue }) {
      const alternate = await exchange("fanout", "alternate");
      const main = await exchange("direct", "main", {
        arguments: { "alternate-exchange": alternate },
      });
      const returned: string[] = [];
      channel.onReturn = (message) => returned.push(message.text());
      await channel.basicPublish({ exchange: main, mandatory: true }, "without a queue");
      await channel.queueBind({ queue: await queue(), exchange: alternate });
      await channel.basicPublish({ exchange: main, mandatory: true }, "with a queue");
      await channel.basicQos({ prefetchCount: 0 });
      return returned;
    },
    expect: ["without a queue"],
  },
  {
    name: "it may be missing, and may come later",
    async run({ channel, exchange, queue, name }) {
      const alternate = name("alternate");
      const main = await exchange("direct", "main", {
        arguments: { "alternate-exchange": alternate },
      });
      await channel.basicPublish({ exchange: main }, "lost");
      await channel.exchangeDeclare(alternate, "fanout");
      const rest = await queue();
      await channel.queueBind({ queue: rest, exchange: alternate });
      await channel.basicPublish({ exchange: main }, "caught");
      return await drain(channel, rest);
    },
    expect: ["caught"],
  },
  {
    name: "it may have one of its own",
    async run({ channel, exchange, queue }) {
      const last = await exchange("fanout", "last");
      const middle = await exchange("direct", "middle", {
        arguments: { "alternate-exchange": last },
      });
      const main = await exchange("direct", "main", {
        arguments: { "alternate-exchange": middle },
      });
      const rest = await queue();
      await channel.queueBind({ queue: rest, exchange: last });
      await channel.basicPublish({ exchange: main, routingKey: "k" }, "through two");
      return await drain(channel, rest);
    },
    expect: ["through two"],
  },
  {
    name: "two that are each other's do not turn for ever",
    async run({ channel, exchange, name }) {
      const other = name("other");
      const main = await exchange("direct", "main", { arguments: { "alternate-exchange": other } });
      await channel.exchangeDeclare(other, "direct", { arguments: { "alternate-exchange": main } });
      await channel.basicPublish({ exchange: main, routingKey: "k" }, "lost");
      return await outcome(channel.basicQos({ prefetchCount: 0 }));
    },
    expect: "ok",
  },
  {
    name: "an exchange on the way without a binding uses its own",
    async run({ channel, exchange, queue }) {
      const alternate = await exchange("fanout", "alternate");
      const source = await exchange("fanout", "source");
      const destination = await exchange("direct", "destination", {
        arguments: { "alternate-exchange": alternate },
      });
      const rest = await queue();
      await channel.exchangeBind({ source, destination });
      await channel.queueBind({ queue: rest, exchange: alternate });
      await channel.basicPublish({ exchange: source, routingKey: "k" }, "caught");
      return await drain(channel, rest);
    },
    expect: ["caught"],
  },
  {
    name: "it is used when the only binding leads to an exchange that leads nowhere",
    async run({ channel, exchange, queue }) {
      const alternate = await exchange("fanout", "alternate");
      const source = await exchange("fanout", "source", {
        arguments: { "alternate-exchange": alternate },
      });
      const nowhere = await exchange("direct", "nowhere");
      const rest = await queue();
      await channel.exchangeBind({ source, destination: nowhere });
      await channel.queueBind({ queue: rest, exchange: alternate });
      await channel.basicPublish({ exchange: source, routingKey: "k" }, "caught or lost");
      return await drain(channel, rest);
    },
    expect: [],
  },
  {
    name: "the default exchange does not help as one",
    async run({ channel, exchange, queue }) {
      const main = await exchange("direct", "main", { arguments: { "alternate-exchange": "" } });
      const name = await queue();
      await channel.basicPublish({ exchange: main, routingKey: name }, "lost");
      return await drain(channel, name);
    },
    expect: [],
  },
  {
    name: "an internal exchange may be one",
    async run({ channel, exchange, queue }) {
      const alternate = await exchange("fanout", "alternate", { internal: true });
      const main = await exchange("direct", "main", {
        arguments: { "alternate-exchange": alternate },
      });
      const rest = await queue();
      await channel.queueBind({ queue: rest, exchange: alternate });
      await channel.basicPublish({ exchange: main, routingKey: "k" }, "caught");
      return await drain(channel, rest);
    },
    expect: ["caught"],
  },
];

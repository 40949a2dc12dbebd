import type { Channel } from "../../client/channel.ts";
import type { BehaviourCase } from "../support/harness.ts";
import { attempt, drain, fill, outcome } from "./observe.ts";

/** Publishing, and messages that come back. */
export const publish: readonly BehaviourCase[] = [
  {
    name: "a mandatory message without a queue comes back as it was",
    async run({ channel, exchange }) {
      const returned = Promise.withResolvers<unknown>();
      channel.onReturn = (message) =>
        returned.resolve({
          replyCode: message.replyCode,
          replyText: message.replyText,
          exchange: message.exchange,
          routingKey: message.routingKey,
          properties: message.properties,
          body: message.text(),
        });
      const properties = { contentType: "text/plain", headers: { a: 1 }, deliveryMode: 2 };
      const source = await exchange("direct", "source");
      await channel.basicPublish(
        { exchange: source, routingKey: "nobody", mandatory: true, properties },
        "lost and found",
      );
      return await returned.promise;
    },
    expect: {
      replyCode: 312,
      replyText: "NO_ROUTE",
      exchange: "source",
      routingKey: "nobody",
      properties: { contentType: "text/plain", headers: { a: 1 }, deliveryMode: 2 },
      body: "lost and found",
    },
  },
  {
    name: "a mandatory message to no queue by the default exchange comes back",
    async run({ channel, name }) {
      const returned = Promise.withResolvers<unknown>();
      channel.onReturn = (message) => returned.resolve([message.exchange, message.routingKey]);
      await channel.basicPublish({ routingKey: name("nobody"), mandatory: true }, "");
      return await returned.promise;
    },
    expect: ["", "nobody"],
  },
  {
    name: "only what is mandatory and reaches no queue comes back, in order",
    async run({ channel, exchange, queue }) {
      const returned: string[] = [];
      channel.onReturn = (message) => returned.push(message.text());
      const source = await exchange("direct");
      const bound = await queue();
      await channel.queueBind({ queue: bound, exchange: source, routingKey: "k" });
      const publish = (body: string, routingKey: string, mandatory: boolean) =>
        channel.basicPublish({ exchange: source, routingKey, mandatory }, body);
      await publish("1", "nobody", true);
      await publish("2", "nobody", false);
      await publish("3", "k", true);
      await publish("4", "nobody", true);
      await channel.basicQos({ prefetchCount: 0 });
      return [returned, await drain(channel, bound)];
    },
    expect: [["1", "4"], ["3"]],
  },
  {
    name: "returns come to the channel that published",
    async run({ channel, openChannel, name }) {
      const other = await openChannel();
      const returned: string[] = [];
      channel.onReturn = (message) => returned.push(`first: ${message.text()}`);
      other.onReturn = (message) => returned.push(`other: ${message.text()}`);
      await other.basicPublish({ routingKey: name("nobody"), mandatory: true }, "mine");
      await other.basicQos({ prefetchCount: 0 });
      await channel.basicQos({ prefetchCount: 0 });
      return returned;
    },
    expect: ["other: mine"],
  },
  {
    name: "a body may be empty",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicPublish({ routingKey: name }, "");
      const got = await channel.basicGet(name);
      return [got?.body.length, got?.properties];
    },
    expect: [0, {}],
  },
  ...[1, 4087, 4088, 4089, 131_063, 131_064, 131_065, 262_128, 1_048_576].map((
    size,
  ): BehaviourCase => ({
    name: `a body of ${size} octets arrives as it was`,
    async run({ channel, queue }) {
      const name = await queue();
      const body = Uint8Array.from({ length: size }, (_, index) => index * 31 + (index >> 8));
      await channel.basicPublish({ routingKey: name }, body);
      const got = await channel.basicGet(name, { noAck: true });
      return got !== undefined && got.body.length === size &&
        got.body.every((octet, index) => octet === body[index]);
    },
    expect: true,
  })),
  {
    name: "bodies are octets, not text",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicPublish({ routingKey: name }, new Uint8Array([0, 0xce, 0xff, 0x80]));
      return [...(await channel.basicGet(name))!.body];
    },
    expect: [0, 0xce, 0xff, 0x80],
  },
  {
    name: "what a message was published to stands in it",
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("topic", "source"), await queue("queue")];
      await channel.queueBind({ queue: bound, exchange: source, routingKey: "#" });
      await channel.basicPublish({ exchange: source, routingKey: "a.b" }, "");
      await channel.basicPublish({ routingKey: bound }, "");
      const [one, two] = [await channel.basicGet(bound), await channel.basicGet(bound)];
      return [one?.exchange, one?.routingKey, two?.exchange, two?.routingKey];
    },
    expect: ["source", "a.b", "", "queue"],
  },
  {
    name: "a routing key may be 255 octets",
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("direct"), await queue()];
      const routingKey = "ü".repeat(127) + "k";
      await channel.queueBind({ queue: bound, exchange: source, routingKey });
      await channel.basicPublish({ exchange: source, routingKey }, "");
      return (await channel.basicGet(bound))?.routingKey === routingKey;
    },
    expect: true,
  },
  {
    name: "a user id that is one's own is fine",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicPublish({ routingKey: name, properties: { userId: "guest" } }, "");
      return (await channel.basicGet(name))?.properties;
    },
    expect: { userId: "guest" },
  },
  {
    name: "an expiration that is a whole number is fine, up to ten years",
    async run({ channel, queue }) {
      const name = await queue();
      for (const expiration of ["60000", "+60000", "315360000000"]) {
        await channel.basicPublish({ routingKey: name, properties: { expiration } }, expiration);
      }
      return await drain(channel, name);
    },
    expect: ["60000", "+60000", "315360000000"],
  },
  {
    name: "messages of one channel to one queue keep their order, whatever their size",
    async run({ channel, queue }) {
      const name = await queue();
      const sizes = [10, 200_000, 0, 5_000, 140_000, 1];
      for (const size of sizes) {
        await channel.basicPublish({ routingKey: name }, new Uint8Array(size));
      }
      const got: number[] = [];
      for (const _ of sizes) got.push((await channel.basicGet(name, { noAck: true }))!.body.length);
      return got;
    },
    expect: [10, 200_000, 0, 5_000, 140_000, 1],
  },
  {
    name: "a message that is refused does not take the connection's others with it",
    async run({ channel, openChannel, queue, name }) {
      const queueName = await queue();
      const other = await openChannel();
      await other.basicPublish({ exchange: name("nowhere") }, "refused");
      await fill(channel, queueName, "1 2");
      const refused = await outcome(other.basicQos({ prefetchCount: 0 }));
      return [await drain(channel, queueName), refused];
    },
    expect: [
      ["1", "2"],
      [404, "NOT_FOUND - no exchange 'nowhere' in vhost '/'", "basic.publish"],
    ],
  },
  {
    name: "what was published before the refused message has arrived",
    async run({ channel, openChannel, queue, name }) {
      const queueName = await queue();
      const other = await openChannel();
      await fill(other, queueName, "1 2");
      const refused = attempt(() => other.basicPublish({ exchange: name("nowhere") }, "refused"));
      const late = attempt(() => other.basicPublish({ routingKey: queueName }, "too late"));
      return [(await refused)[0], (await late)[0], await drain(channel, queueName)];
    },
    expect: [404, 404, ["1", "2"]],
  },
];

/** Publisher confirms. */
export const confirms: readonly BehaviourCase[] = [
  {
    name: "selecting twice is selecting once",
    async run({ channel, queue }) {
      await channel.confirmSelect();
      await channel.confirmSelect();
      return await outcome(channel.basicPublish({ routingKey: await queue() }, ""));
    },
    expect: "ok",
  },
  {
    name: "every message is confirmed: routed or not, transient or persistent",
    async run({ channel, queue, name }) {
      await channel.confirmSelect();
      const targets = [
        await queue("transient"),
        await queue("durable", { durable: true }),
        name("no"),
      ];
      const outcomes: unknown[] = [];
      for (const routingKey of targets) {
        for (const deliveryMode of [1, 2]) {
          const properties = { deliveryMode };
          outcomes.push(await outcome(channel.basicPublish({ routingKey, properties }, "")));
        }
      }
      return outcomes;
    },
    expect: ["ok", "ok", "ok", "ok", "ok", "ok"],
  },
  {
    name: "many at once are all confirmed",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.confirmSelect();
      let confirmed = 0;
      for (let count = 0; count < 500; count++) {
        channel.basicPublish({ routingKey: name }, "")?.then(() => confirmed++);
      }
      await channel.waitForConfirms();
      return [confirmed, (await drain(channel, name)).length];
    },
    expect: [500, 500],
  },
  {
    name: "a message that comes back does so before it is confirmed",
    async run({ channel, name }) {
      const events: string[] = [];
      channel.onReturn = (message) => events.push(`returned ${message.text()}`);
      await channel.confirmSelect();
      const published = ["1", "2"].map((body) =>
        channel.basicPublish({ routingKey: name("nobody"), mandatory: true }, body)
          ?.then(() => events.push(`confirmed ${body}`))
      );
      await Promise.all(published);
      return [
        events.indexOf("returned 1") < events.indexOf("confirmed 1"),
        events.indexOf("returned 2") < events.indexOf("confirmed 2"),
        events.length,
      ];
    },
    expect: [true, true, 4],
  },
  {
    name: "a confirmed message is in its queue",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await channel.confirmSelect();
      await channel.basicPublish({ routingKey: name }, "there");
      return await drain(await openChannel(), name);
    },
    expect: ["there"],
  },
  {
    name: "they count from the selection, not from the first message",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicPublish({ routingKey: name }, "before");
      await channel.confirmSelect();
      return await outcome(channel.basicPublish({ routingKey: name }, "after"));
    },
    expect: "ok",
  },
  {
    name: "what is unconfirmed when the channel fails stays so",
    async run({ openChannel, name }) {
      const other = await openChannel();
      await other.confirmSelect();
      return await outcome(other.basicPublish({ exchange: name("nowhere") }, "refused"));
    },
    expect: [404, "NOT_FOUND - no exchange 'nowhere' in vhost '/'", "basic.publish"],
  },
  {
    name: "each channel has its own",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const other = await openChannel();
      await channel.confirmSelect();
      const unconfirmed = other.basicPublish({ routingKey: name }, "1");
      const confirmed = channel.basicPublish({ routingKey: name }, "2");
      await Promise.all([unconfirmed, confirmed]);
      const waits = (one: Channel) => one.waitForConfirms().then(() => true, () => false);
      return [await waits(other), await waits(channel)];
    },
    expect: [false, true],
  },
];

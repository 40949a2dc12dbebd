import type { Channel } from "../../client/channel.ts";
import type { BehaviourCase } from "../support/harness.ts";
import { Collector, outcome, settled, take } from "./observe.ts";

const REPLY_TO = "amq.rabbitmq.reply-to";

/** Starts a consumer of direct replies. */
function consumeReplies(channel: Channel): Promise<Collector> {
  return Collector.start(channel, REPLY_TO, { noAck: true });
}

/** Publishes a request that wants direct replies. */
async function request(channel: Channel, queue: string, body: string): Promise<void> {
  await channel.basicPublish({ routingKey: queue, properties: { replyTo: REPLY_TO } }, body);
}

/** The address that a server sees in a request of a client that waits for replies. */
async function addressOf(client: Channel, server: Channel, queue: string): Promise<string> {
  await consumeReplies(client);
  await request(client, queue, "ping");
  return (await take(server, queue)).properties.replyTo ?? "";
}

/** Replies without a queue: `amq.rabbitmq.reply-to`. */
export const directReply: readonly BehaviourCase[] = [
  {
    name: "a request goes there and a reply comes back",
    async run({ channel, connect, queue }) {
      const name = await queue("requests");
      const replies = await consumeReplies(channel);
      await request(channel, name, "ping");
      const server = await (await connect()).openChannel();
      const { properties } = await take(server, name);
      await server.basicPublish({ routingKey: properties.replyTo! }, "pong");
      await replies.until(1);
      const { consumerTag, deliveryTag, exchange, routingKey, redelivered } = replies
        .deliveries[0]!;
      return {
        bodies: replies.bodies,
        ownTag: consumerTag === replies.consumer.consumerTag,
        deliveryTag,
        exchange,
        ownAddress: routingKey === properties.replyTo,
        redelivered,
      };
    },
    expect: {
      bodies: ["pong"],
      ownTag: true,
      deliveryTag: 1,
      exchange: "",
      ownAddress: true,
      redelivered: false,
    },
  },
  {
    name: "the server sees an address of its own",
    async run({ channel, queue }) {
      const replyTo = await addressOf(channel, channel, await queue("requests"));
      return [replyTo.startsWith(`${REPLY_TO}.`), replyTo.length > REPLY_TO.length + 16];
    },
    expect: [true, true],
  },
  {
    name: "that address has two parts in base64, one of them a key of 16 octets",
    async run({ channel, queue }) {
      const replyTo = await addressOf(channel, channel, await queue("requests"));
      return /^\.[^.]+\.[^.=]{22}==$/.test(replyTo.slice(REPLY_TO.length));
    },
    expect: true,
  },
  {
    name: "all requests of a channel have the same address, another channel's another one",
    async run({ channel, openChannel, queue }) {
      const name = await queue("requests");
      const other = await openChannel();
      await consumeReplies(channel);
      await consumeReplies(other);
      // confirmed, since the order of what two channels publish is up to the broker
      await channel.confirmSelect();
      await other.confirmSelect();
      await request(channel, name, "1");
      await request(channel, name, "2");
      await request(other, name, "3");
      const addresses: unknown[] = [];
      for (let count = 0; count < 3; count++) {
        addresses.push((await take(channel, name)).properties.replyTo);
      }
      return [addresses[0] === addresses[1], addresses[1] === addresses[2]];
    },
    expect: [true, false],
  },
  {
    name: "the other properties of a request stay as they are",
    async run({ channel, queue }) {
      const name = await queue("requests");
      await consumeReplies(channel);
      const properties = { replyTo: REPLY_TO, correlationId: "7", headers: { a: 1 } };
      await channel.basicPublish({ routingKey: name, properties }, "");
      return { ...(await take(channel, name)).properties, replyTo: "" };
    },
    expect: { replyTo: "", correlationId: "7", headers: { a: 1 } },
  },
  {
    name: "another reply-to is not touched",
    async run({ channel, queue }) {
      const name = await queue("requests");
      await channel.basicPublish({ routingKey: name, properties: { replyTo: "mine" } }, "");
      return (await take(channel, name)).properties;
    },
    expect: { replyTo: "mine" },
  },
  {
    name: "it may be consumed again after it was cancelled",
    async run({ channel }) {
      const { consumer } = await consumeReplies(channel);
      await consumer.cancel();
      return await outcome(consumeReplies(channel));
    },
    expect: "ok",
  },
  {
    name: "a reply to somebody who has gone is lost",
    async run({ channel, openChannel, queue }) {
      const name = await queue("requests");
      const other = await openChannel();
      await other.confirmSelect();
      await consumeReplies(other);
      await request(other, name, "ping");
      await other.close();
      const { replyTo } = (await take(channel, name)).properties;
      await channel.basicPublish({ routingKey: replyTo! }, "pong");
      return await outcome(channel.basicQos({ prefetchCount: 0 }));
    },
    expect: "ok",
  },
  {
    name: "a mandatory reply to somebody who has gone comes back",
    async run({ channel, openChannel, queue }) {
      const name = await queue("requests");
      const other = await openChannel();
      await other.confirmSelect();
      await consumeReplies(other);
      await request(other, name, "ping");
      await other.close();
      const { replyTo } = (await take(channel, name)).properties;
      const returned: unknown[] = [];
      channel.onReturn = (message) => returned.push([message.replyCode, message.text()]);
      await channel.basicPublish({ routingKey: replyTo!, mandatory: true }, "pong");
      await channel.basicQos({ prefetchCount: 0 });
      return returned;
    },
    expect: [[312, "pong"]],
  },
  {
    name: "a mandatory reply that somebody got does not come back",
    async run({ channel, openChannel, queue }) {
      const name = await queue("requests");
      const other = await openChannel();
      await other.confirmSelect();
      const replies = await consumeReplies(other);
      await request(other, name, "ping");
      const { replyTo } = (await take(channel, name)).properties;
      const returned: unknown[] = [];
      channel.onReturn = (message) => returned.push(message.text());
      await channel.basicPublish({ routingKey: replyTo!, mandatory: true }, "pong");
      await channel.basicQos({ prefetchCount: 0 });
      return [await replies.until(1), returned];
    },
    expect: [["pong"], []],
  },
  {
    name: "replies are confirmed",
    async run({ channel, openChannel, queue }) {
      const name = await queue("requests");
      await channel.confirmSelect();
      await consumeReplies(channel);
      await request(channel, name, "ping");
      const other = await openChannel();
      await other.confirmSelect();
      const { replyTo } = (await take(other, name)).properties;
      return [
        await outcome(other.basicPublish({ routingKey: replyTo! }, "to somebody")),
        await outcome(other.basicPublish({ routingKey: `${replyTo}x` }, "to nobody")),
      ];
    },
    expect: ["ok", "ok"],
  },
  {
    name: "an address of nobody is like a queue that is not there",
    async run({ channel }) {
      return await outcome(channel.queueDeclare(`${REPLY_TO}.nobody`, { passive: true }));
    },
    expect: [
      404,
      "NOT_FOUND - no queue 'amq.rabbitmq.reply-to.nobody' in vhost '/'",
      "queue.declare",
    ],
  },
  {
    name: "a passive declaration of the general name is always fine",
    run: ({ channel }) => channel.queueDeclare(REPLY_TO, { passive: true }),
    expect: { queue: REPLY_TO, messageCount: 0, consumerCount: 1 },
  },
  {
    name: "a passive declaration tells a server whether the one who asked is still there",
    async run({ channel, openChannel, queue }) {
      const client = await openChannel();
      await client.confirmSelect();
      const replyTo = await addressOf(client, channel, await queue("requests"));
      const there = await channel.queueDeclare(replyTo, { passive: true });
      await client.close();
      const gone = await outcome(channel.queueDeclare(replyTo, { passive: true }));
      return [there.queue === replyTo, there.messageCount, there.consumerCount, gone[0]];
    },
    expect: [true, 0, 1, 404],
  },
  {
    name: "whoever declares an address only asks, whatever else is said",
    async run({ channel, openChannel, queue }) {
      const client = await openChannel();
      await client.confirmSelect();
      const replyTo = await addressOf(client, channel, await queue("requests"));
      const { messageCount, consumerCount } = await channel.queueDeclare(replyTo, {
        durable: true,
      });
      const general = await channel.queueDeclare(REPLY_TO, { exclusive: true });
      return [
        messageCount,
        consumerCount,
        general,
        await outcome(channel.queueDeclare(`${REPLY_TO}.nobody`, { durable: true })),
      ];
    },
    expect: [
      0,
      1,
      { queue: REPLY_TO, messageCount: 0, consumerCount: 1 },
      [
        404,
        "NOT_FOUND - no queue 'amq.rabbitmq.reply-to.nobody' in vhost '/'",
        "queue.declare",
      ],
    ],
  },
  {
    name: "replies of many servers come to the one who asked",
    async run({ channel, openChannel, queue }) {
      const name = await queue("requests");
      const clients = [await openChannel(), await openChannel()];
      const replies: Collector[] = [];
      for (const [index, client] of clients.entries()) {
        await client.confirmSelect();
        replies.push(await consumeReplies(client));
        await request(client, name, `${index}`);
      }
      const requests = [await take(channel, name), await take(channel, name)];
      for (
        const { properties, ...request } of requests.reverse().map((r) => ({
          properties: r.properties,
          body: r.text(),
        }))
      ) await channel.basicPublish({ routingKey: properties.replyTo! }, `to ${request.body}`);
      return [await replies[0]!.until(1), await replies[1]!.until(1)];
    },
    expect: [["to 0"], ["to 1"]],
  },
  {
    name: "a reply whose address is in its headers as well comes once",
    async run({ channel, openChannel, queue }) {
      const name = await queue("requests");
      const replies = await consumeReplies(channel);
      await request(channel, name, "ping");
      const other = await openChannel();
      const replyTo = (await take(other, name)).properties.replyTo!;
      const headers = { CC: [replyTo, replyTo], BCC: [replyTo] };
      await other.basicPublish({ routingKey: replyTo, properties: { headers } }, "pong");
      await other.basicPublish({ routingKey: replyTo }, "last");
      return await replies.until(2);
    },
    expect: ["pong", "last"],
  },
  {
    name: "a request without the consumer closes the channel, and reaches nobody",
    async run({ channel, openChannel, queue }) {
      const name = await queue("requests");
      const other = await openChannel();
      await request(other, name, "ping");
      const refused = await outcome(other.basicQos({ prefetchCount: 0 }));
      await settled(name, channel);
      return [refused, (await channel.basicGet(name))?.text()];
    },
    expect: [
      [406, "PRECONDITION_FAILED - fast reply consumer does not exist", "basic.publish"],
      undefined,
    ],
  },
];

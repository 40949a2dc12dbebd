/**
 * Small messages go out as the frames in which they came (`Content.framed`): whoever gets one, on another
 * channel, with other limits or much later, must find it whole.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  type BasicProperties,
  Broker,
  type Channel,
  connect,
  type Connection,
  type Delivery,
  type PublishOptions,
} from "@warren/amqp";

/** The smallest frame that may be agreed on takes a body of 4088 bytes. */
const SIZES = [1, 7, 8, 16, 100, 4000, 4087, 4088, 4089, 9000, 70_000];
const PROPERTIES: readonly BasicProperties[] = [
  {},
  { messageId: "m", correlationId: "c".repeat(40) },
  { contentType: "text/plain", headers: { number: 5, text: "t".repeat(300) }, priority: 3 },
];

/** More bytes than wait as objects. */
const FILLING = 1200;
const FILLER = new Uint8Array(4000);

interface Sent {
  readonly body: Uint8Array;
  readonly properties: BasicProperties;
}

const MESSAGES: readonly Sent[] = SIZES.flatMap((size, index) =>
  PROPERTIES.map((properties, at) => ({
    body: Uint8Array.from({ length: size }, (_, octet) => octet * 7 + index * 31 + at),
    properties,
  }))
);

const seen = ({ body, properties }: Pick<Delivery, "body" | "properties">): Sent => ({
  body: body.slice(),
  properties,
});

/** A broker, a channel with the number 3 that publishes, and one with the number 5 and small frames. */
async function start() {
  const stack = new AsyncDisposableStack();
  const broker = stack.use(new Broker());
  const { url } = stack.use(await broker.listen({ port: 0 }));
  const publisher = stack.use(await connect(url));
  const receiver = stack.use(await connect(`${url}/?frame_max=4096`));
  return {
    from: await nthChannel(publisher, 3),
    to: await nthChannel(receiver, 5),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function nthChannel(connection: Connection, count: number): Promise<Channel> {
  for (let index = 1; index < count; index++) await connection.openChannel();
  return await connection.openChannel();
}

async function publishAll(channel: Channel, address: PublishOptions): Promise<void> {
  for (const { body, properties } of MESSAGES) {
    await channel.basicPublish({ ...address, properties }, body);
  }
}

/** Consumes until all have come. With `publish` the publishing is done when there is a consumer. */
async function consume(
  channel: Channel,
  queue: string,
  noAck: boolean,
  publish?: () => Promise<void>,
): Promise<Sent[]> {
  const all: Sent[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const consumer = await channel.basicConsume(queue, { noAck }, (delivery) => {
    all.push(seen(delivery));
    if (!noAck) delivery.ack();
    if (all.length === MESSAGES.length) resolve();
  });
  await publish?.();
  await promise;
  await consumer.cancel();
  return all;
}

for (const noAck of [true, false]) {
  const how = noAck ? "without acks" : "with acks";

  Deno.test(`messages are whole on another channel with smaller frames, ${how}`, async () => {
    await using set = await start();
    const { from, to } = set;
    await to.queueDeclare("q", { exclusive: true });
    const publish = () => publishAll(from, { routingKey: "q" });
    assertEquals(await consume(to, "q", noAck, publish), MESSAGES);
  });

  Deno.test(`messages that wait are whole when they go out, ${how}`, async () => {
    await using set = await start();
    const { from, to } = set;
    await from.confirmSelect();
    // so many before them that they wait as bytes alone
    for (const queue of ["one", "other"]) {
      await from.queueDeclare(queue);
      await from.queueBind({ queue, exchange: "amq.fanout" });
    }
    await from.queueDeclare("many");
    const published: (Promise<void> | undefined)[] = [];
    for (let count = 0; count < FILLING; count++) {
      published.push(from.basicPublish({ routingKey: "many" }, FILLER));
    }
    await Promise.all(published);
    await from.queueBind({ queue: "many", exchange: "amq.fanout" });
    await publishAll(from, { exchange: "amq.fanout" });
    const overwritten = Array.from(
      { length: 1000 },
      () => from.basicPublish({ routingKey: "nobody's" }, new Uint8Array(4000)),
    );
    await Promise.all(overwritten);
    assertEquals(await consume(to, "one", noAck), MESSAGES);
    assertEquals(await consume(to, "other", noAck), MESSAGES);
    for (let count = 0; count < FILLING; count++) await to.basicGet("many", { noAck: true });
    assertEquals(await consume(to, "many", noAck), MESSAGES);
  });
}

Deno.test("messages that are fetched, come back, die or are returned are whole", async () => {
  await using set = await start();
  const { from, to } = set;
  await from.queueDeclare("dead");
  const dead = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead" };
  await from.queueDeclare("q", { arguments: dead });
  await from.confirmSelect();
  await publishAll(from, { routingKey: "q" });

  const fetch = async (queue: string, end: (delivery: Delivery) => void) => {
    const all: Sent[] = [];
    for (let count = 0; count < MESSAGES.length; count++) {
      const delivery = (await to.basicGet(queue))!;
      all.push(seen(delivery));
      end(delivery);
    }
    return all;
  };
  const kept: Delivery[] = [];
  assertEquals(await fetch("q", (delivery) => kept.push(delivery)), MESSAGES);
  for (const delivery of kept) delivery.nack({ requeue: true });
  assertEquals(await fetch("q", (delivery) => delivery.reject({ requeue: false })), MESSAGES);
  const died = await fetch("dead", (delivery) => delivery.ack());
  assertEquals(died.map(({ body }) => body), MESSAGES.map(({ body }) => body));
  for (const { properties } of died) assertEquals(properties.headers!["x-first-death-queue"], "q");

  const returned: Sent[] = [];
  from.onReturn = (message) => returned.push(seen(message));
  await publishAll(from, { routingKey: "nobody's", mandatory: true });
  assertEquals(returned, MESSAGES);
});

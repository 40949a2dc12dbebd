/**
 * Large bodies that come in several frames lie in buffers that are used again (`body_buffers.ts`): whatever
 * becomes of a message, nobody may find another one's body in it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Broker, type Channel, connect, type Connection } from "@warren/amqp";

const ROUNDS = 6;
const MESSAGES = 8;
const SIZE = 150_000;
const FLOOD = 400;

/** A body that no other number has, of a size of its own. */
function bodyOf(number: number): Uint8Array {
  const body = new Uint8Array(SIZE + number % 7 * 20_000);
  for (let at = 0; at < body.length; at++) body[at] = number * 31 + at * 7 + (at >> 8);
  return body;
}

const BODIES = Array.from({ length: (ROUNDS + 1) * MESSAGES }, (_, number) => bodyOf(number));

const IN_FLOOD = Array.from({ length: FLOOD }, (_, index) => index % BODIES.length);

/** The number of a body, when it is whole. */
function numberOf(body: Uint8Array): number {
  return BODIES.findIndex((expected) => {
    if (expected.length !== body.length) return false;
    for (let at = 0; at < body.length; at++) if (body[at] !== expected[at]) return false;
    return true;
  });
}

/** What is in a queue, in its order. */
async function get(channel: Channel, queue: string, most: number): Promise<number[]> {
  const numbers: number[] = [];
  while (numbers.length < most) {
    const message = await channel.basicGet(queue, { noAck: true });
    if (message === undefined) break;
    numbers.push(numberOf(message.body));
  }
  return numbers;
}

async function getAll(channel: Channel, queue: string): Promise<number[]> {
  return (await get(channel, queue, Infinity)).sort((one, other) => one - other);
}

async function declareAll(channel: Channel, durable: boolean): Promise<void> {
  await channel.exchangeDeclare("all", "fanout", { durable });
  await channel.queueDeclare("dead", { durable });
  const dead = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead" };
  for (const [queue, options] of [["at once", {}], ["refused", dead], ["kept", {}]] as const) {
    await channel.queueDeclare(queue, { durable, arguments: options });
    // what it keeps, nobody else does
    if (queue !== "kept") await channel.queueBind({ queue, exchange: "all" });
  }
  await channel.queueDeclare("traced", { durable });
  await channel.queueBind({ queue: "traced", exchange: "amq.rabbitmq.trace", routingKey: "#" });
}

async function publishRound(connection: Connection, round: number, durable: boolean) {
  const channel = await connection.openChannel();
  const properties = { deliveryMode: durable ? 2 : 1 } as const;
  const inTransaction = round % 2 === 1;
  if (inTransaction) await channel.txSelect();
  else await channel.confirmSelect();
  const published: (Promise<void> | undefined)[] = [];
  for (let index = 0; index < MESSAGES; index++) {
    const number = round * MESSAGES + index;
    const body = BODIES[number]!;
    published.push(channel.basicPublish({ exchange: "all", properties }, body));
    published.push(channel.basicPublish({ routingKey: "kept", properties }, body));
  }
  await Promise.all(published);
  if (inTransaction) await channel.txCommit();
  await channel.close();
}

/** So many persistent messages at once that most of them are nowhere but in the store. */
async function flood(connection: Connection): Promise<void> {
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  await channel.queueDeclare("flood", { durable: true });
  const published: (Promise<void> | undefined)[] = [];
  for (let count = 0; count < FLOOD; count++) {
    const body = BODIES[IN_FLOOD[count]!]!;
    const properties = { deliveryMode: 2 } as const;
    published.push(channel.basicPublish({ routingKey: "flood", properties }, body));
  }
  await Promise.all(published);
  assertEquals(await get(channel, "flood", FLOOD / 2), IN_FLOOD.slice(0, FLOOD / 2));
}

/** Takes all buffers that nobody has any more, as far as the broker knows, and writes over them. */
async function overwrite(channel: Channel): Promise<void> {
  for (let count = 0; count < 20; count++) {
    for (let kind = 0; kind < 7; kind++) {
      await channel.basicPublish({ routingKey: "nobody's" }, new Uint8Array(BODIES[kind]!.length));
    }
  }
  await channel.basicQos({ prefetchCount: 0 });
}

/** Everything that can become of a message, over small frames. */
async function run(broker: Broker, durable: boolean): Promise<void> {
  await using server = await broker.listen({ port: 0 });
  const url = `amqp://guest:guest@127.0.0.1:${server.port}/?frame_max=8192`;
  await using connection = await connect(url);
  await using local = await broker.connect();
  const channel = await connection.openChannel();
  await declareAll(channel, durable);
  broker.setTracing("/", true);

  const atOnce: number[] = [];
  await (await local.openChannel()).basicConsume("at once", { noAck: true }, ({ body }) => {
    atOnce.push(numberOf(body));
  });
  const refusing = await connection.openChannel();
  await refusing.basicQos({ prefetchCount: 5 });
  const refused: number[] = [];
  await refusing.basicConsume("refused", {}, (delivery) => {
    // once more, and then no more
    if (delivery.redelivered) refused.push(numberOf(delivery.body));
    delivery.nack({ requeue: !delivery.redelivered });
  });

  for (let round = 0; round < ROUNDS; round++) await publishRound(connection, round, durable);
  const numbers = Array.from({ length: ROUNDS * MESSAGES }, (_, number) => number);
  for (let dead = 0; dead < numbers.length;) {
    dead = (await channel.queueDeclare("dead", { passive: true })).messageCount;
  }
  broker.setTracing("/", false);
  await overwrite(channel);

  assertEquals(atOnce.sort((one, other) => one - other), numbers);
  assertEquals(refused.sort((one, other) => one - other), numbers);
  assertEquals(await getAll(channel, "dead"), numbers);
  assertEquals(await getAll(channel, "kept"), numbers);
  const traced = new Set(await getAll(channel, "traced"));
  assertEquals([...traced].sort((one, other) => one - other), numbers);
}

Deno.test("nobody finds another message's large body in his own", async () => {
  await using broker = new Broker();
  await run(broker, false);
});

Deno.test("nor where a message loses a part of its headers on its way in", async () => {
  await using broker = new Broker({ profile: "4.3" });
  await run(broker, true);
});

Deno.test("nor with persistent messages and a data directory, after a restart included", async () => {
  const dataDir = await Deno.makeTempDir();
  try {
    {
      await using broker = new Broker({ dataDir });
      await run(broker, true);
      await using server = await broker.listen({ port: 0 });
      await using connection = await connect(`amqp://guest:guest@127.0.0.1:${server.port}/`);
      await publishRound(connection, ROUNDS, true);
      await flood(connection);
    }
    await using broker = new Broker({ dataDir });
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    const numbers = Array.from({ length: MESSAGES }, (_, index) => ROUNDS * MESSAGES + index);
    assertEquals(await getAll(channel, "kept"), numbers);
    assertEquals(await get(channel, "flood", FLOOD), IN_FLOOD.slice(FLOOD / 2));
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

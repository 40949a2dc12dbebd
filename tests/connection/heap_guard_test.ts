import { assertEquals, assertRejects } from "@std/assert";
import { AmqpError, Broker, type Channel, connect, type Connection } from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { MadeUpMachine } from "../support/made_up_machine.ts";

const LIMIT = 1_000_000_000;

/** A broker on a machine that is made up, with a client that has made one of each. */
async function start() {
  const machine = new MadeUpMachine();
  machine.heapLimit = LIMIT;
  const clock = new ManualClock();
  const options = { machine, clock }; // the machine is for tests, and no public option
  const broker = new Broker(options);
  const server = await broker.listen({ port: 0 });
  const connection = await connect(`amqp://127.0.0.1:${server.port}?heartbeat=0`, {
    recovery: false,
  });
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await channel.exchangeDeclare("e", "direct");
  await channel.queueBind({ queue: "q", exchange: "e", routingKey: "k" });
  const full = (on: boolean) => {
    machine.heapUsed = on ? LIMIT : 0;
    broker.setMemoryHighWatermark(LIMIT);
  };
  return {
    broker,
    clock,
    connection,
    channel,
    full,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker.close();
    },
  };
}

const MADE: Readonly<Record<string, (channel: Channel) => Promise<unknown>>> = {
  "declare queue 'more'": (channel) => channel.queueDeclare("more"),
  "declare exchange 'more' in vhost '/'": (channel) => channel.exchangeDeclare("more", "fanout"),
  "bind queue 'q' in vhost '/' to exchange 'e' in vhost '/'": (channel) =>
    channel.queueBind({ queue: "q", exchange: "e", routingKey: "more" }),
  "bind exchange 'amq.fanout' in vhost '/' to exchange 'e' in vhost '/'": (channel) =>
    channel.exchangeBind({ destination: "amq.fanout", source: "e" }),
  "consume from queue 'q' in vhost '/'": (channel) => channel.basicConsume("q", {}, () => {}),
};

for (const [what, make] of Object.entries(MADE)) {
  Deno.test(`While V8's heap is nearly full, nobody may ${what}`, async () => {
    await using stage = await start();
    const { channel, connection, full } = stage;
    full(true);
    const error = await assertRejects(() => make(channel), AmqpError, `cannot ${what}: the broker`);
    assertEquals(error.replyCode, 406);
    full(false);
    await make(await connection.openChannel());
  });
}

Deno.test("While V8's heap is nearly full, what is there can be used, declared again and deleted", async () => {
  await using stage = await start();
  const { channel, full } = stage;
  await channel.basicPublish({ routingKey: "q" }, "one");
  await channel.queueDeclare("q"); // by then it has come
  full(true);
  await channel.queueDeclare("q");
  await channel.exchangeDeclare("e", "direct");
  await channel.queueBind({ queue: "q", exchange: "e", routingKey: "k" });
  assertEquals((await channel.basicGet("q", { noAck: true }))?.text(), "one");
  await channel.queueUnbind({ queue: "q", exchange: "e", routingKey: "k" });
  await channel.queueDelete("q");
  await channel.exchangeDelete("e");
});

Deno.test("V8's heap is looked at for what is made, not only for what is published", async () => {
  const machine = new MadeUpMachine();
  machine.heapLimit = LIMIT;
  const options = { machine, heapHighWatermark: 0.8 };
  await using broker = new Broker(options);
  await using connection = await broker.connect();
  const error = await assertRejects(() => declareUntilRefused(connection, machine), AmqpError);
  assertEquals([error.replyCode, machine.heapUsed < LIMIT], [406, true]);
});

/** Each takes as much of the heap as real ones do. */
async function declareUntilRefused(connection: Connection, machine: MadeUpMachine): Promise<void> {
  const channel = await connection.openChannel();
  machine.heapUsed = 0.75 * LIMIT;
  for (let index = 0; index < 100_000; index++) {
    machine.heapUsed += 4000;
    await channel.queueDeclare(`${index}`);
  }
}

/** What `small_integers_test.ts` looks at: messages go all kinds of ways, in process and over TCP. */
import { Broker, type Channel, connect, type Connection } from "../../mod.ts";

/** More than a queue keeps ready: the others wait as numbers. */
const WAITING = 6000;
/** More than fits into a frame; what does; and two kinds of texts. */
const BODIES = [new Uint8Array(300_000), new Uint8Array(16), "ü".repeat(100), "a".repeat(100)];
const QUEUES: readonly Record<string, string | number>[] = [
  {},
  { "x-max-priority": 5 },
  { "x-dead-letter-exchange": "amq.fanout", "x-message-ttl": 60_000 },
  { "x-queue-type": "quorum" },
  { "x-queue-type": "stream" },
];

// shows that it is told when a number is no small integer any more
const control = { controlled: 0 };
control.controlled = 0.5;

const dataDir = await Deno.makeTempDir();
// the last one begins with what the one before left
for (const options of [{}, { dataDir }, { dataDir }]) {
  const broker = new Broker(options);
  await using server = await broker.listen({ port: 0 });
  for (let round = 0; round < 2; round++) {
    await using inProcess = await broker.connect();
    await go(inProcess, `in process ${round}`);
    await using overTcp = await connect(`amqp://guest:guest@127.0.0.1:${server.port}`);
    await go(overTcp, `over TCP ${round}`);
  }
  await broker.close();
}
await Deno.remove(dataDir, { recursive: true });

async function go(connection: Connection, name: string): Promise<void> {
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  await channel.basicQos({ prefetchCount: 100 });
  await channel.exchangeDeclare("delayed", "x-delayed-message", {
    durable: true,
    arguments: { "x-delayed-type": "topic" },
  });
  for (const [index, queueArguments] of QUEUES.entries()) {
    const queue = `${name} ${index}`;
    await channel.queueDeclare(queue, { durable: true, arguments: queueArguments });
    for (const exchange of ["amq.topic", "delayed"]) {
      await channel.queueBind({ queue, exchange, routingKey: `${queue}.#` });
    }
    await use(channel, queue, index === 0 ? WAITING : 0);
  }
}

async function use(channel: Channel, queue: string, waiting: number): Promise<void> {
  for (const body of BODIES) {
    for (let index = 0; index < 10; index++) {
      const priority = index % 5;
      const headers = { index, "x-delay": 1, text: "ü" };
      void channel.basicPublish({ routingKey: queue, properties: { headers, priority } }, body);
      void channel.basicPublish({ exchange: "amq.topic", routingKey: `${queue}.${index}` }, body);
      const properties = { deliveryMode: 2, headers };
      void channel.basicPublish({ routingKey: queue, properties }, body);
      void channel.basicPublish(
        { exchange: "delayed", routingKey: `${queue}.ü`, properties },
        body,
      );
    }
  }
  for (let index = 0; index < waiting; index++) {
    void channel.basicPublish({ routingKey: queue }, BODIES[1]!);
  }
  await channel.waitForConfirms();
  const isStream = queue.endsWith("4");
  if (!isStream) await channel.basicGet(queue, { noAck: true });
  let left = waiting + BODIES.length * 40 - (isStream ? 0 : 1);
  const done = Promise.withResolvers<void>();
  const first = isStream ? { arguments: { "x-stream-offset": "first" } } : {};
  await channel.basicConsume(queue, first, (delivery) => {
    // what came back comes again
    const comesBack = !isStream && delivery.deliveryTag % 100 === 0 && !delivery.redelivered;
    if (comesBack) return delivery.nack();
    delivery.ack();
    if (--left === 0) done.resolve();
  });
  await done.promise;
  // some are there when the broker starts again
  const properties = { deliveryMode: 2 } as const;
  for (const body of BODIES) void channel.basicPublish({ routingKey: queue, properties }, body);
  await channel.waitForConfirms();
}

/**
 * Publish to consume over TCP on loopback, beside the same in process. Broker and client share this
 * process and its one thread, so a broker on its own does better; `compare.ts` measures that.
 *
 * Without the permission to use the network, as with a plain `deno bench`, it is left out.
 *
 * @module
 */
import { Broker, connect } from "@warren/amqp";
import { check } from "./support/check.ts";
import { BODY_SIZE, MESSAGES, ROUTING_LOADS } from "./support/routing_loads.ts";
import { warrenBatch } from "./support/warren_batch.ts";

const VARIANTS = [
  { name: "no-ack", acks: false, newKeys: false },
  { name: "acks", acks: true, newKeys: false },
  { name: "no-ack, new keys", acks: false, newKeys: true },
] as const;

const LARGE_BODY = new Uint8Array(64 * 1024);

const ignore = Deno.permissions.querySync({ name: "net", host: "127.0.0.1" }).state !== "granted";

const broker = new Broker();
const local = await broker.connect();
const remote = ignore ? local : await dial();
const ways = [["in process", local], ["TCP", remote]] as const;

for (const load of ROUTING_LOADS) {
  for (const { name, ...options } of VARIANTS) {
    const group = `${load.name}: ${name}`;
    for (const [way, connection] of ways) {
      const batch = await warrenBatch(connection, load, options);
      Deno.bench({
        name: `${way}: ${MESSAGES} messages, ${group}`,
        group,
        baseline: connection === local,
        ignore,
        async fn() {
          await batch();
        },
      });
    }
  }
}

for (const [way, connection] of ways) {
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  const { queue } = await channel.queueDeclare("", { exclusive: true });
  const body = new Uint8Array(BODY_SIZE);
  Deno.bench({
    name: `${way}: publish ${MESSAGES} messages, wait for all confirms, purge`,
    group: "publisher confirms",
    baseline: connection === local,
    ignore,
    async fn() {
      for (let count = 0; count < MESSAGES; count++) {
        channel.basicPublish({ routingKey: queue }, body);
      }
      await channel.waitForConfirms();
      check((await channel.queuePurge(queue)).messageCount, MESSAGES);
    },
  });

  Deno.bench({
    name: `${way}: publish and get a body of ${LARGE_BODY.length} B`,
    group: "large bodies",
    baseline: connection === local,
    ignore,
    async fn() {
      channel.basicPublish({ routingKey: queue }, LARGE_BODY);
      const delivery = await channel.basicGet(queue, { noAck: true });
      check(delivery?.body.length, LARGE_BODY.length);
    },
  });
}

async function dial() {
  const server = await broker.listen({ port: 0 });
  return await connect(`amqp://guest:guest@127.0.0.1:${server.port}`);
}

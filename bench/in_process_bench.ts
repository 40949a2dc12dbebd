/**
 * Publish to consume with broker and client in one process, beside smqp, a broker that can do only
 * that. An iteration publishes 1,000 messages of 16 bytes and ends when all are consumed.
 *
 * Warren's client copies bodies and checks every field, as if there were a network in between; smqp
 * hands on references.
 *
 * @module
 */
import { Broker } from "@warren/amqp";
import { MESSAGES, ROUTING_LOADS } from "./support/routing_loads.ts";
import { smqpBatch } from "./support/smqp_batch.ts";
import { warrenBatch } from "./support/warren_batch.ts";

const VARIANTS = [
  { name: "no-ack", acks: false, newKeys: false },
  { name: "acks", acks: true, newKeys: false },
  { name: "no-ack, new keys", acks: false, newKeys: true },
] as const;

const broker = new Broker();
const connection = await broker.connect();

for (const load of ROUTING_LOADS) {
  for (const { name, ...options } of VARIANTS) {
    const group = `${load.name}: ${name}`;
    const smqp = smqpBatch(load, options);
    Deno.bench({
      name: `smqp: ${MESSAGES} messages, ${group}`,
      group,
      baseline: true,
      fn: () => smqp(),
    });
    const warren = await warrenBatch(connection, load, options);
    Deno.bench({
      name: `Warren: ${MESSAGES} messages, ${group}`,
      group,
      async fn() {
        await warren();
      },
    });
  }
}

import type { Channel, Connection, Delivery } from "@warren/amqp";
import { check } from "./check.ts";
import {
  type BatchOptions,
  BODY_SIZE,
  deliveriesOf,
  keyAt,
  MESSAGES,
  PREFETCH,
  type RoutingLoad,
} from "./routing_loads.ts";

/** Prepares a load on a connection to Warren, or to any other AMQP broker: what is returned publishes
 * the batch and waits until all is consumed. */
export async function warrenBatch(
  connection: Connection,
  load: RoutingLoad,
  options: BatchOptions,
): Promise<() => Promise<void>> {
  const exchange = crypto.randomUUID();
  const consuming = await connection.openChannel();
  const expected = deliveriesOf(load, options);
  let left = 0;
  let bytes = 0;
  let done = () => {};
  await declare(consuming, exchange, load, options, (delivery) => {
    bytes += delivery.body.length;
    if (options.acks) delivery.ack();
    if (--left === 0) done();
  });

  const publishing = await connection.openChannel();
  const body = new Uint8Array(BODY_SIZE);
  return async () => {
    const consumed = new Promise<void>((resolve) => done = resolve);
    left = expected;
    bytes = 0;
    for (let index = 0; index < MESSAGES; index++) {
      const routingKey = keyAt(index, load, options);
      const full = publishing.basicPublish({ exchange, routingKey }, body);
      if (full !== undefined) await full;
    }
    await consumed;
    check(bytes, expected * BODY_SIZE);
  };
}

async function declare(
  channel: Channel,
  exchange: string,
  load: RoutingLoad,
  { acks }: BatchOptions,
  onDelivery: (delivery: Delivery) => void,
): Promise<void> {
  await channel.exchangeDeclare(exchange, load.type);
  await channel.basicQos({ prefetchCount: acks ? PREFETCH : 0 });
  const names = new Map<string, string>();
  for (const queue of load.queues) {
    names.set(queue, (await channel.queueDeclare("", { exclusive: true })).queue);
  }
  for (const [queue, routingKey] of load.bindings) {
    await channel.queueBind({ queue: names.get(queue)!, exchange, routingKey });
  }
  for (const queue of names.values()) {
    await channel.basicConsume(queue, { noAck: !acks }, onDelivery);
  }
}

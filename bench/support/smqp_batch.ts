import { Broker } from "smqp";
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

/** Prepares a load on smqp: what is returned publishes the batch, and all is consumed when it returns,
 * since smqp delivers within the call that publishes. */
export function smqpBatch(load: RoutingLoad, options: BatchOptions): () => void {
  const broker = Broker();
  const expected = deliveriesOf(load, options);
  let left = 0;
  let bytes = 0;
  broker.assertExchange("exchange", load.type);
  for (const queue of load.queues) broker.assertQueue(queue);
  for (const [queue, key] of load.bindings) broker.bindQueue(queue, "exchange", key);
  for (const queue of load.queues) {
    broker.consume(queue, (_key, message) => {
      bytes += (message.content as Uint8Array).length;
      if (options.acks) message.ack();
      left--;
    }, { noAck: !options.acks, prefetch: PREFETCH });
  }

  const body = new Uint8Array(BODY_SIZE);
  return () => {
    left = expected;
    bytes = 0;
    for (let index = 0; index < MESSAGES; index++) {
      broker.publish("exchange", keyAt(index, load, options), body);
    }
    check(left, 0);
    check(bytes, expected * BODY_SIZE);
  };
}

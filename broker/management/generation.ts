import type { Broker } from "../mod.ts";

/** True when the API answers as that of RabbitMQ 4 where versions contradict one another: as the broker's
 * profile says. */
export function isLikeRabbitmq4(broker: Broker): boolean {
  return broker.node().rabbitmqVersion.startsWith("4.");
}

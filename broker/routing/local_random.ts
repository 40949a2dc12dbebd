import { AmqpError } from "../amqp/error.ts";
import type { BindingFields } from "./binding.ts";
import { RandomTable } from "./random.ts";

/**
 * `x-local-random`: one queue by chance for each message. In a cluster it is one of the node that the
 * publisher is connected to; here all are. Only classic queues may be bound, and without a key, as the
 * key would not be looked at. RabbitMQ 4.0, `rabbit_exchange_type_local_random.erl`.
 */
export class LocalRandomTable extends RandomTable {
  override add(binding: BindingFields): void {
    const { destination, routingKey } = binding;
    if (routingKey !== "") {
      throw new AmqpError(406, `Non empty binding '${routingKey}' key not permitted`);
    }
    if (destination.kind !== "queue") throw new AmqpError(406, "Destination not found");
    const { queueType = "classic" } = destination;
    if (queueType !== "classic") {
      throw new AmqpError(
        406,
        `Queue type rabbit_${queueType}_queue not valid for this exchange type`,
      );
    }
    super.add(binding);
  }
}

import { AmqpError } from "../../amqp/error.ts";
import { confirmSelectOk } from "../../amqp/methods/confirm.ts";
import type { Method } from "../../amqp/methods/mod.ts";
import type { BrokerChannel } from "../channel.ts";
import { PublisherConfirms } from "../confirms.ts";

/** Carries out the methods of the class `confirm`. */
export function handleConfirm(channel: BrokerChannel, method: Method): void {
  if (method.name !== "confirm.select") throw new AmqpError(503, "unimplemented method");
  if (channel.transaction !== undefined) {
    throw new AmqpError(406, "cannot switch from tx to confirm mode");
  }
  channel.confirms ??= new PublisherConfirms(channel);
  if (!method.noWait) channel.send(confirmSelectOk());
}

import { AmqpError } from "../../amqp/error.ts";
import {
  exchangeBindOk,
  exchangeDeclareOk,
  exchangeDeleteOk,
  exchangeUnbindOk,
} from "../../amqp/methods/exchange.ts";
import type { Method } from "../../amqp/methods/mod.ts";
import type { BrokerChannel } from "../channel.ts";

/** Carries out the methods of the class `exchange`. */
export function handleExchange(channel: BrokerChannel, method: Method): void {
  const { vhost } = channel.connection;
  switch (method.name) {
    case "exchange.declare":
      vhost.declareExchange(method.exchange, method);
      if (!method.noWait) channel.sendWhenSynced(exchangeDeclareOk(), vhost.takeChange());
      return;
    case "exchange.delete":
      vhost.deleteExchange(method.exchange, method);
      if (!method.noWait) channel.sendWhenSynced(exchangeDeleteOk(), vhost.takeChange());
      return;
    case "exchange.bind":
      vhost.bindExchange(method);
      if (!method.noWait) channel.sendWhenSynced(exchangeBindOk(), vhost.takeChange());
      return;
    case "exchange.unbind":
      vhost.unbindExchange(method);
      if (!method.noWait) channel.sendWhenSynced(exchangeUnbindOk(), vhost.takeChange());
      return;
    default:
      throw new AmqpError(503, "unimplemented method");
  }
}

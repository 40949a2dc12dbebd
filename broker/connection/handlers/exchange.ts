import { AmqpError } from "../../amqp/error.ts";
import {
  exchangeBindOk,
  exchangeDeclareOk,
  type ExchangeDelete,
  exchangeDeleteOk,
  exchangeUnbindOk,
} from "../../amqp/methods/exchange.ts";
import type { Method } from "../../amqp/methods/mod.ts";
import type { BrokerChannel } from "../channel.ts";
import { checkAsking, checkBinding } from "./permitted.ts";

/** Carries out the methods of the class `exchange`. */
export function handleExchange(channel: BrokerChannel, method: Method): void {
  const { restrictions, vhost } = channel.connection;
  switch (method.name) {
    case "exchange.declare":
      if (method.passive && method.exchange !== "") {
        checkAsking(channel, "exchange", method.exchange);
      }
      vhost.declareExchange(method.exchange, method, restrictions?.exchanges);
      if (!method.noWait) channel.sendWhenSynced(exchangeDeclareOk(), vhost.takeChange());
      return;
    case "exchange.delete":
      if (restrictions !== undefined && vhost.mayBeDeleted(method.exchange)) {
        restrictions.require("configure", "exchange", method.exchange);
      }
      return deleteExchange(channel, method);
    case "exchange.bind": {
      checkBinding(channel, "exchange", method);
      const steps = vhost.beginBindingExchange(method);
      const reply = () => {
        if (method.noWait) return;
        // whoever waits for the same steps may have taken the change
        const touched = vhost.takeChange() || steps !== undefined;
        channel.sendWhenSynced(exchangeBindOk(), touched);
      };
      return steps === undefined ? reply() : channel.doInSteps(steps, method, reply);
    }
    case "exchange.unbind":
      checkBinding(channel, "exchange", method);
      vhost.unbindExchange(method);
      if (!method.noWait) channel.sendWhenSynced(exchangeUnbindOk(), vhost.takeChange());
      return;
    default:
      throw new AmqpError(503, "unimplemented method");
  }
}

function deleteExchange(channel: BrokerChannel, method: ExchangeDelete): void {
  const { vhost } = channel.connection;
  const reply = () => {
    if (!method.noWait) channel.sendWhenSynced(exchangeDeleteOk(), vhost.takeChange());
  };
  const steps = vhost.beginDeletingExchange(method.exchange, method);
  if (steps === undefined) reply();
  else channel.doInSteps(steps, method, reply);
}

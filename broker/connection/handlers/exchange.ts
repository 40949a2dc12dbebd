import { AmqpError } from "../../amqp/error.ts";
import {
  type ExchangeBind,
  exchangeBindOk,
  exchangeDeclareOk,
  type ExchangeDelete,
  exchangeDeleteOk,
  type ExchangeUnbind,
  exchangeUnbindOk,
} from "../../amqp/methods/exchange.ts";
import type { Method } from "../../amqp/methods/mod.ts";
import type { BindingDeclaration } from "../../vhost/declarations.ts";
import { cleanName } from "../../vhost/names.ts";
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
      return deleteExchange(channel, method);
    case "exchange.bind": {
      const steps = vhost.beginBindingExchange(permittedBinding(channel, method));
      const reply = () => {
        if (method.noWait) return;
        // whoever waits for the same steps may have taken the change
        const touched = vhost.takeChange() || steps !== undefined;
        channel.sendWhenSynced(exchangeBindOk(), touched);
      };
      return steps === undefined ? reply() : channel.doInSteps(steps, method, reply);
    }
    case "exchange.unbind":
      vhost.unbindExchange(permittedBinding(channel, method));
      if (!method.noWait) channel.sendWhenSynced(exchangeUnbindOk(), vhost.takeChange());
      return;
    default:
      throw new AmqpError(503, "unimplemented method");
  }
}

function permittedBinding(
  channel: BrokerChannel,
  method: ExchangeBind | ExchangeUnbind,
): BindingDeclaration {
  const { routingKey, arguments: arguments_ } = method;
  const fields = {
    source: cleanName(method.source),
    destination: cleanName(method.destination),
    routingKey,
    arguments: arguments_,
  };
  checkBinding(channel, "exchange", fields);
  return fields;
}

function deleteExchange(channel: BrokerChannel, method: ExchangeDelete): void {
  const { restrictions, vhost } = channel.connection;
  const name = cleanName(method.exchange);
  if (restrictions !== undefined && vhost.mayBeDeleted(name)) {
    restrictions.require("configure", "exchange", name);
  }
  const reply = () => {
    if (!method.noWait) channel.sendWhenSynced(exchangeDeleteOk(), vhost.takeChange());
  };
  const steps = vhost.beginDeletingExchange(name, method);
  if (steps === undefined) reply();
  else channel.doInSteps(steps, method, reply);
}

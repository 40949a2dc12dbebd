import { AmqpError } from "../../amqp/error.ts";
import type { Method } from "../../amqp/methods/mod.ts";
import { txCommitOk, txRollbackOk, txSelectOk } from "../../amqp/methods/tx.ts";
import type { BrokerChannel } from "../channel.ts";
import { Transaction } from "../transaction.ts";
import { giveBack } from "./basic.ts";

/** Carries out the methods of the class `tx`. */
export function handleTx(channel: BrokerChannel, method: Method): void {
  switch (method.name) {
    case "tx.select":
      if (channel.confirms !== undefined) {
        throw new AmqpError(406, "cannot switch from confirm to tx mode");
      }
      channel.transaction ??= new Transaction();
      return channel.send(txSelectOk());
    case "tx.commit":
      return channel.sendWhenSynced(txCommitOk(), commit(channel));
    case "tx.rollback":
      rollback(channel);
      return channel.send(txRollbackOk());
    default:
      throw new AmqpError(503, "unimplemented method");
  }
}

function transactionOf(channel: BrokerChannel): Transaction {
  if (channel.transaction === undefined) throw new AmqpError(406, "channel is not transactional");
  return channel.transaction;
}

/** Publishes first, then settles, as RabbitMQ does. Returns true when the store may have to write. */
function commit(channel: BrokerChannel): boolean {
  const { publishes, settlements } = transactionOf(channel).take();
  const { vhost } = channel.connection;
  let refused = false;
  let touched = settlements.length > 0;
  for (const { message, destinations, mandatory } of publishes) {
    const { queues, stored, refused: wasRefused } = vhost.publishHeld(message, destinations);
    if (queues === 0 && mandatory) giveBack(channel, message);
    vhost.releaseMessage(message);
    refused ||= wasRefused;
    touched ||= stored;
  }
  for (const { deliveries, settlement } of settlements) channel.settle(deliveries, settlement);
  if (refused) throw new AmqpError(406, "partial tx completion");
  return touched;
}

/** Forgets the publishes; what was settled is unacked again, not requeued. */
function rollback(channel: BrokerChannel): void {
  const { publishes, settlements } = transactionOf(channel).take();
  for (const { message } of publishes) channel.connection.vhost.discard(message);
  channel.unacked.putBack(settlements.flatMap(({ deliveries }) => deliveries));
}

import { AmqpError } from "../../amqp/error.ts";
import type { Method } from "../../amqp/methods/mod.ts";
import { txCommitOk, txRollbackOk, txSelectOk } from "../../amqp/methods/tx.ts";
import type { BrokerChannel } from "../channel.ts";
import { type HeldPublish, type HeldSettlement, Transaction } from "../transaction.ts";
import { unroutable } from "./basic.ts";

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

/**
 * Publishes first, then settles, as RabbitMQ does. Returns true when the store may have to write.
 *
 * @throws {AmqpError} 406 when the store does not take all of it: what was settled is unacked again.
 * And when a queue refused a message: then all else is done.
 */
function commit(channel: BrokerChannel): boolean {
  const { publishes, settlements } = transactionOf(channel).take();
  const { publishing, firehose } = channel.connection.vhost;
  // no alarm is raised, so the store takes all of it, unless it fails right in the middle
  let refused = !publishes.every(({ message, destinations, refused }) =>
    !refused && publishing.accepts(message, destinations)
  );
  let touched = settlements.length > 0 || publishes.some(({ stored }) => stored);
  let complete = true;
  let done = 0;
  while (!refused && done < publishes.length) {
    const { message, destinations, mandatory, forget } = publishes[done++]!;
    const result = publishing.publishHeld(message, destinations);
    if (result.refused) forget?.();
    const { queues, routed } = result;
    touched ||= result.stored;
    // without a queue it was the store
    if (queues === 0) ({ refused } = result);
    else complete &&= !result.refused;
    firehose?.published(message, routed.map(({ name }) => name), channel.traced);
    channel.counts.publish++;
    if (queues === 0 && !refused) unroutable(channel, message, mandatory);
    publishing.release(message);
  }
  if (refused) {
    giveUp(channel, publishes.slice(done), settlements);
    throw new AmqpError(406, "partial tx completion");
  }
  for (const { deliveries, settlement } of settlements) channel.settle(deliveries, settlement);
  if (!complete) throw new AmqpError(406, "partial tx completion");
  return touched;
}

/** Forgets the publishes; what was settled is unacked again, not requeued. */
function rollback(channel: BrokerChannel): void {
  const { publishes, settlements } = transactionOf(channel).take();
  giveUp(channel, publishes, settlements);
}

function giveUp(
  channel: BrokerChannel,
  publishes: readonly HeldPublish[],
  settlements: readonly HeldSettlement[],
): void {
  for (const { message, forget } of publishes) {
    forget?.();
    channel.connection.vhost.publishing.discard(message);
  }
  channel.unacked.putBack(settlements.flatMap(({ deliveries }) => deliveries));
}

import { AmqpError } from "../amqp/error.ts";
import type { Steps } from "../amqp/long_work.ts";
import type { BrokerChannel } from "./channel.ts";
import { DeliveryRow } from "./delivery_row.ts";
import { unroutable } from "./handlers/basic.ts";
import { settleEach } from "./settling.ts";
import type { HeldPublish, HeldSettlement, HeldWork } from "./transaction.ts";
import type { UnackedDelivery } from "./unacked.ts";

/** So many messages, or deliveries, are one step where little is done with each. */
const CHUNK = 64;
/** What that costs, ... */
const CHUNK_COST = 8;
/** ... and what when they are only looked at. */
const LOOKED_AT = 1;
/** What it costs to settle one by itself. */
const SINGLE_COST = 1 + CHUNK_COST / CHUNK;
/** So many queues that get a message cost as much as to end a channel, ... */
const QUEUES_IN_A_STEP = 4;
/** ... and so many bytes. */
const BYTES_IN_A_STEP = 16_384;
/** More deliveries than that are settled, or come back to a channel, in several steps. */
const DELIVERIES_AT_ONCE = 2048;

/** What became of a commit. */
export interface Commit {
  /** True when the store may have to write. */
  touched: boolean;
}

/**
 * Publishes what a transaction has held back first, then settles, as RabbitMQ does.
 *
 * @param commit Is told what became of it.
 * @throws {AmqpError} 406 when the store does not take all of it: what was settled is unacked again.
 * And when a queue refused a message: then all else is done.
 */
export function* committing(channel: BrokerChannel, held: HeldWork, commit: Commit): Steps {
  const { publishes, settlements } = held;
  commit.touched = settlements.length > 0;
  const outcome: Outcome = { refused: false, complete: true, done: 0 };
  // no alarm is raised, so the store takes all of it, unless it fails right in the middle
  yield* checking(channel, publishes, commit, outcome);
  if (!outcome.refused) yield* publishing(channel, publishes, commit, outcome);
  if (outcome.refused) {
    yield* givingUp(channel, publishes.slice(outcome.done), settlements);
    throw new AmqpError(406, "partial tx completion");
  }
  yield* settling(channel, settlements);
  if (!outcome.complete) throw new AmqpError(406, "partial tx completion");
}

interface Outcome {
  /** The store does not take a message. */
  refused: boolean;
  /** No queue has refused one. */
  complete: boolean;
  /** How many messages were published. */
  done: number;
}

function* checking(
  channel: BrokerChannel,
  publishes: readonly HeldPublish[],
  commit: Commit,
  outcome: Outcome,
): Steps {
  const { publishing } = channel.connection.vhost;
  for (let index = 0; index < publishes.length; index++) {
    const { message, destinations, stored, refused } = publishes[index]!;
    if (refused || !publishing.accepts(message, destinations)) {
      outcome.refused = true;
      return;
    }
    commit.touched ||= stored;
    if (index % CHUNK === CHUNK - 1) yield LOOKED_AT;
  }
}

function* publishing(
  channel: BrokerChannel,
  publishes: readonly HeldPublish[],
  commit: Commit,
  outcome: Outcome,
): Steps {
  const { publishing, firehose } = channel.connection.vhost;
  let cost = 0;
  while (!outcome.refused && outcome.done < publishes.length) {
    const { message, destinations, mandatory, heldBack, forget } = publishes[outcome.done++]!;
    const result = publishing.publishHeld(message, destinations);
    if (result.refused) forget?.();
    const { queues, routed } = result;
    commit.touched ||= result.stored;
    // without a queue it was the store
    if (queues === 0) ({ refused: outcome.refused } = result);
    else outcome.complete &&= !result.refused;
    firehose?.published(message, routed.map(({ name }) => name), channel.traced);
    channel.counts.publish++;
    if (queues === 0 && !outcome.refused) unroutable(channel, message, mandatory, heldBack);
    cost += (1 + destinations.length) / QUEUES_IN_A_STEP + message.size / BYTES_IN_A_STEP;
    publishing.release(message);
    if (cost < 1) continue;
    yield cost;
    cost = 0;
  }
}

/** One after the other: each makes room for what its consumer gets next. */
function* settling(channel: BrokerChannel, settlements: readonly HeldSettlement[]): Steps {
  for (const { deliveries, settlement } of settlements) {
    const isRow = deliveries instanceof DeliveryRow;
    if (isRow && deliveries.singly) {
      for (const delivery of deliveries) {
        channel.settleOne(delivery, settlement);
        yield SINGLE_COST;
      }
      continue;
    }
    if (deliveries.length > DELIVERIES_AT_ONCE) {
      yield* settleEach(channel, deliveries, settlement);
      channel.offers.offer();
    } else {
      const few = isRow ? [...deliveries] : deliveries;
      if (few.length === 1) channel.settleOne(few[0]!, settlement);
      else channel.settle(few, settlement);
    }
    yield 1 + deliveries.length / CHUNK * CHUNK_COST;
  }
}

/** Forgets the publishes; what was settled is unacked again, not requeued. */
export function* givingUp(
  channel: BrokerChannel,
  publishes: readonly HeldPublish[],
  settlements: readonly HeldSettlement[],
): Steps {
  const { publishing } = channel.connection.vhost;
  for (let index = 0; index < publishes.length; index++) {
    const { message, forget } = publishes[index]!;
    forget?.();
    publishing.discard(message);
    if (index % CHUNK === CHUNK - 1) yield CHUNK_COST;
  }
  const { unacked } = channel;
  const deliveries: UnackedDelivery[] = [];
  for (const held of settlements) {
    for (const delivery of held.deliveries) {
      if (deliveries.push(delivery) % CHUNK === 0) yield LOOKED_AT;
    }
  }
  if (deliveries.length === 0) return;
  if (isFew(channel, deliveries.length)) unacked.putBack(deliveries);
  else yield* unacked.putBackSlowly(deliveries);
}

/** True when so many deliveries that were settled come back to a channel at once. */
export function isFew({ unacked }: BrokerChannel, deliveries: number): boolean {
  return deliveries === 0 || deliveries + unacked.size <= DELIVERIES_AT_ONCE;
}

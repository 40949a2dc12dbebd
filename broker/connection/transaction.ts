import type { Steps } from "../amqp/long_work.ts";
import type { HeldMessage } from "../vhost/publishing.ts";
import { DeliveryRow } from "./delivery_row.ts";
import type { Unacked, UnackedDelivery } from "./unacked.ts";

/** What to do with a delivery once the transaction is committed. One that comes back is a failure when
 * its client says `basic.reject`, as RabbitMQ 4.3 has it. */
export type Settlement = "ack" | "requeue" | "fail" | "reject";

/** A publish that waits for the commit. */
export interface HeldPublish extends HeldMessage {
  readonly mandatory: boolean;
}

/** Settled deliveries that wait for the commit. */
export interface HeldSettlement {
  /** They are gone through once. */
  readonly deliveries: readonly UnackedDelivery[] | DeliveryRow;
  readonly settlement: Settlement;
}

/** What a transaction has held back. */
export interface HeldWork {
  readonly publishes: readonly HeldPublish[];
  readonly settlements: readonly HeldSettlement[];
}

/** So much is done at once; more is in slices. */
const AT_ONCE = 1024;
/** So many deliveries are taken in one step. */
const CHUNK = 256;
/** What that costs. */
const CHUNK_COST = 8;

/** What a transactional channel has done since the last commit or rollback. */
export class Transaction {
  /** Publishes, which a commit carries out first. */
  publishes: HeldPublish[] = [];
  /** Acks and rejects, which it carries out after them. */
  settlements: HeldSettlement[] = [];

  /** Takes all of it out and starts again. */
  take(): HeldWork {
    const { publishes, settlements } = this;
    this.publishes = [];
    this.settlements = [];
    return { publishes, settlements };
  }

  /** Settles one delivery with the commit. */
  settleOne(delivery: UnackedDelivery, settlement: Settlement): void {
    const { settlements } = this;
    if (settlements.length < AT_ONCE) {
      settlements.push({ deliveries: [delivery], settlement });
      return;
    }
    const last = settlements.at(-1)!;
    if (
      last.settlement === settlement && last.deliveries instanceof DeliveryRow &&
      last.deliveries.singly
    ) last.deliveries.push(delivery);
    else {
      const deliveries = new DeliveryRow({ singly: true });
      deliveries.push(delivery);
      settlements.push({ deliveries, settlement });
    }
  }

  /**
   * Settles very many deliveries up to a tag with the commit, step by step. Others may be delivered
   * meanwhile, with higher tags.
   */
  *settleUpTo(unacked: Unacked, deliveryTag: number, settlement: Settlement): Steps {
    const deliveries = new DeliveryRow({ singly: false });
    // known from now on: a channel that ends gives back what is in here as well
    this.settlements.push({ deliveries, settlement });
    for (const delivery of unacked.takeEach(deliveryTag)) {
      if (deliveries.push(delivery) % CHUNK === 0) yield CHUNK_COST;
    }
  }
}

/** True when a transaction is so much that it is not done at once: a message counts for itself and each
 * of its queues. */
export function isMuch({ publishes, settlements }: HeldWork): boolean {
  let much = 0;
  for (let index = 0; index < publishes.length && much <= AT_ONCE; index++) {
    much += 1 + publishes[index]!.destinations.length;
  }
  for (let index = 0; index < settlements.length && much <= AT_ONCE; index++) {
    much += 1 + settlements[index]!.deliveries.length;
  }
  return much > AT_ONCE;
}

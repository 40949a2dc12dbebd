import type { HeldMessage } from "../vhost/publishing.ts";
import type { UnackedDelivery } from "./unacked.ts";

/** What to do with a delivery once the transaction is committed. One that comes back is a failure when
 * its client says `basic.reject`, as RabbitMQ 4.3 has it. */
export type Settlement = "ack" | "requeue" | "fail" | "reject";

/** A publish that waits for the commit. */
export interface HeldPublish extends HeldMessage {
  readonly mandatory: boolean;
}

/** Settled deliveries that wait for the commit. */
export interface HeldSettlement {
  readonly deliveries: readonly UnackedDelivery[];
  readonly settlement: Settlement;
}

/** What a transactional channel has done since the last commit or rollback. */
export class Transaction {
  /** Publishes, which a commit carries out first. */
  publishes: HeldPublish[] = [];
  /** Acks and rejects, which it carries out after them. */
  settlements: HeldSettlement[] = [];

  /** Takes all of it out and starts again. */
  take(): { publishes: HeldPublish[]; settlements: HeldSettlement[] } {
    const { publishes, settlements } = this;
    this.publishes = [];
    this.settlements = [];
    return { publishes, settlements };
  }
}

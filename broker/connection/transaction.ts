import type { HeldMessage } from "../vhost/publishing.ts";
import type { UnackedDelivery } from "./unacked.ts";

/** What to do with a delivery once the transaction is committed. */
export type Settlement = "ack" | "requeue" | "reject";

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

/**
 * How many unacked deliveries are allowed: of one consumer (`basic.qos` with global off, for each
 * consumer started later) or of a whole channel (global on). RabbitMQ, "Consumer Prefetch".
 */
export class Prefetch {
  /** The limit; 0 for none. */
  limit: number;
  /** Deliveries that count towards it. */
  unacked = 0;

  constructor(limit = 0) {
    this.limit = limit;
  }

  /** True when one more may be delivered. */
  get hasRoom(): boolean {
    return this.limit === 0 || this.unacked < this.limit;
  }
}

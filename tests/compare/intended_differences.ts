/** A case in which Warren is meant to differ from the RabbitMQ that it is compared with. */
export interface IntendedDifference {
  /** Area and name of the case. */
  readonly title: string;
  /** Why Warren does it in its own way. */
  readonly reason: string;
}

/** Differences from RabbitMQ 3.10.8, Debian's, that are meant to be. */
export const INTENDED_DIFFERENCES: readonly IntendedDifference[] = [];

/** A case in which Warren is meant to differ from the RabbitMQ that it is compared with. */
export interface IntendedDifference {
  /** Area and name of the case. */
  readonly title: string;
  /** Why Warren does it in its own way. */
  readonly reason: string;
}

/** Differences from RabbitMQ 3.10.8, Debian's, that are meant to be. */
export const INTENDED_DIFFERENCES: readonly IntendedDifference[] = [
  {
    title: "connections: the broker tells its version",
    reason: "clients choose by it how they use basic.qos, and Warren behaves like 3.13",
  },
  {
    title: "errors: declaring an exchange of an unknown type",
    reason: "since 3.13 this closes the channel alone",
  },
  {
    title: "errors: using the tag of the consumer of direct replies",
    reason: "with two consumers of one tag nobody could tell their deliveries apart",
  },
  {
    title: "properties: a delivery mode that there is not arrives as sent",
    reason: "since 3.13 any number is taken",
  },
  {
    title: "properties: a header may be infinity",
    reason: "Erlang has no such number and drops the connection; here it is one like any other",
  },
  {
    title: "properties: a header may be not a number",
    reason: "Erlang has no such number and drops the connection; here it is one like any other",
  },
];

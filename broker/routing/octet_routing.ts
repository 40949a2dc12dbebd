import type { Matches, RoutingTable } from "./exchange_type.ts";

/** A table that needs no text to route by: most keys with an id in them come but once, and making a text of
 * each takes longer than to route it. */
export interface OctetRouting {
  /** As `RoutingTable.route`, for the routing key that ASCII octets from `start` to `end` are. */
  routeOctets(octets: Uint8Array, start: number, end: number, into: Matches): void;
}

/** A table as one that routes by octets, if it can. */
export function octetRouting(table: RoutingTable): OctetRouting | undefined {
  return "routeOctets" in table ? table as RoutingTable & OctetRouting : undefined;
}

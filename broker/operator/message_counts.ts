import type { DeathInfo, MessageSizesInfo } from "../operator_info.ts";
import { type DeathCounts, type MessageSizes, SIZE_CLASSES } from "../stats.ts";

/**
 * What operators are told of messages as a whole: `operator_info.ts` says what that means.
 *
 * @module
 */

/** How messages died: a row for each type of queues and what these do with the dead. */
export function describeDeaths(deaths: DeathCounts): DeathInfo[] {
  const rows: DeathInfo[] = [];
  for (const queueType of ["classic", "quorum"] as const) {
    for (const strategy of ["disabled", "atMostOnce", "atLeastOnce"] as const) {
      const { delivery_limit: deliveryLimit, ...counts } = deaths[queueType][strategy];
      rows.push({ queueType, strategy, ...counts, deliveryLimit });
    }
  }
  return rows;
}

/** How many messages there were up to some sizes, smaller ones included. */
export function describeSizes({ bytes, counts }: MessageSizes): MessageSizesInfo {
  let count = 0;
  const upTo = counts.map((more, at) => ({
    bytes: SIZE_CLASSES[at] ?? Infinity,
    count: count += more,
  }));
  return { bytes, upTo };
}

/**
 * Priorities as quorum queues have them since RabbitMQ 4.3: from 0 to 31, and a message that says
 * nothing of it has 4. They are passed about as ranks, so that what most messages have is 0.
 *
 * @module
 */

/** The highest priority; what is above counts as this one. */
export const STRICT_PRIORITY_MAX = 31;
/** The priority of a message that says nothing of it. */
export const USUAL_PRIORITY = 4;
/** Stands for the priority 0. */
const LOWEST = STRICT_PRIORITY_MAX + 1;

/**
 * The rank of a message.
 *
 * @param priority What it says; 0 when it says nothing.
 * @param said True when it says so.
 */
export function rankOf(priority: number, said: boolean): number {
  if (priority === 0) return said ? LOWEST : 0;
  return priority === USUAL_PRIORITY ? 0 : Math.min(priority, STRICT_PRIORITY_MAX);
}

/** The priority that a rank stands for. */
export function priorityOfRank(rank: number): number {
  if (rank === 0) return USUAL_PRIORITY;
  return rank === LOWEST ? 0 : rank;
}

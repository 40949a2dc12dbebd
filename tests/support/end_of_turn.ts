import { atEndOfTurn } from "../../broker/amqp/turn.ts";

/**
 * Resolves at the end of this turn, after all that others asked for before: that is a microtask, unless
 * others are to have their turn first, as on a machine that takes long.
 */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => atEndOfTurn(resolve));
}

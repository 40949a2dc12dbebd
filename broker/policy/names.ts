import { DefinitionError } from "./error.ts";

/** Longest name of a policy, a parameter, or what else operators name freely, in bytes. RabbitMQ has no bound;
 * the store has one. */
const NAME_MAX = 4096;

/** @throws {DefinitionError} When the name of something is too long to be kept. */
export function checkNameSize(thing: string, name: string): void {
  if (name.length * 3 <= NAME_MAX) return;
  if (name.length <= NAME_MAX && new TextEncoder().encode(name).length <= NAME_MAX) return;
  throw new DefinitionError("invalid", `name of ${thing} is longer than ${NAME_MAX} bytes`);
}

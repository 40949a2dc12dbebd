/**
 * What kind of trouble a change of definitions is in. `invalid`: it is not what it should be;
 * `not-found`: there is no such thing; `exists`: there is one already; `protected`: it must not be
 * deleted; `limit`: there would be too many.
 */
export type DefinitionErrorCode = "invalid" | "not-found" | "exists" | "protected" | "limit";

/**
 * A policy, parameter, vhost or limit that cannot be as it was asked for. The message is RabbitMQ's
 * where RabbitMQ has one.
 *
 * @example Something else than a number
 * ```ts
 * import { Broker, DefinitionError } from "@warren/amqp";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using broker = new Broker();
 * const error = await assertRejects(
 *   () => broker.setPolicy({ name: "ttl", pattern: ".*", definition: { "message-ttl": "soon" } }),
 *   DefinitionError,
 * );
 * assertEquals(error.code, "invalid");
 * assertEquals(error.message, 'Validation failed\n\n<<"soon">> is not a valid message TTL');
 * ```
 */
export class DefinitionError extends Error {
  /** Always `"DefinitionError"`. */
  override readonly name = "DefinitionError";
  /** What kind of trouble it is. */
  readonly code: DefinitionErrorCode;

  /** Makes an error of this kind. */
  constructor(code: DefinitionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The error for values that are wrong, in the form that RabbitMQ gives it. */
export function validationFailed(problems: readonly string[]): DefinitionError {
  return new DefinitionError("invalid", `Validation failed\n\n${problems.join("\n")}`);
}

import { ApiError, type ManagementClient, type Row } from "../management_client.ts";
import { CtlError, EXIT } from "./command.ts";

/** True for what the API says of most that is asked of a broker that is stopped. */
export function isStopped(error: unknown): boolean {
  return error instanceof ApiError && error.status === 503 &&
    error.reason === "the broker is stopped";
}

/** There is no such user. */
export function noSuchUser(name: string): CtlError {
  return new CtlError(EXIT.noUser, `User "${name}" does not exist`);
}

/** There is no such vhost. */
export function noSuchVhost(name: string): CtlError {
  return new CtlError(EXIT.dataError, `Virtual host '${name}' does not exist`, { plain: true });
}

/** Fails when there is no such vhost. */
export async function requireVhost(client: ManagementClient, name: string): Promise<Row> {
  const found = await client.find<Row>(["vhosts", name]);
  if (found === undefined) throw noSuchVhost(name);
  return found;
}

/** Fails when there is no such user. */
export async function requireUser(client: ManagementClient, name: string): Promise<Row> {
  const found = await client.find<Row>(["users", name]);
  if (found === undefined) throw noSuchUser(name);
  return found;
}

/** Does something; what is refused as nonsense is told with status 69, as rabbitmqctl does. */
export async function validated(doing: Promise<void>): Promise<void> {
  try {
    await doing;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 400) throw error;
    const { reason } = error;
    const text = reason.startsWith("Validation failed") ? `${reason}\n` : reason;
    throw new CtlError(EXIT.unavailable, text);
  }
}

/**
 * Reads JSON that was given as an argument.
 *
 * @throws {CtlError} When it is none.
 */
export function readJson<Value>(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch {
    throw new CtlError(EXIT.unavailable, "JSON decoding error. Reason: badarg");
  }
}

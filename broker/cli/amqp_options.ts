import { connect } from "../../client/connect.ts";
import type { Connection } from "../../client/connection.ts";
import { parseUri } from "../../client/uri.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

/** Where a broker is when nobody says. */
const DEFAULT_URL = "amqp://127.0.0.1:5672";

/** The names of the options by which a broker is reached over AMQP. */
export const AMQP_OPTION_NAMES: readonly string[] = ["url", "vhost"];

/** How they are used. */
export const AMQP_OPTIONS =
  `  --url URL          the broker, also WARREN_AMQP_URL in the environment; user and password
                     are part of it, or in WARREN_USER and WARREN_PASSWORD
                     (default: ${DEFAULT_URL})
  --vhost VHOST      the vhost (default: that of URL, else /)`;

/** Connects to the broker that arguments and environment name. It does not come back by itself: a
 * command ends when its broker does. */
export async function connectTo(
  given: Arguments,
  { envIfAllowed }: Pick<Terminal, "envIfAllowed">,
): Promise<Connection> {
  const text = given.value("url") ?? envIfAllowed("WARREN_AMQP_URL") ?? DEFAULT_URL;
  let address: ReturnType<typeof parseUri>;
  try {
    address = parseUri(text);
  } catch {
    // it may have a password in it
    throw new UsageError(`--url takes an address such as ${DEFAULT_URL}`);
  }
  const vhost = given.value("vhost");
  // who names nobody in the address
  const username = /^\w+:\/\/[^/]*@/.test(text) ? undefined : envIfAllowed("WARREN_USER");
  const password = username === undefined ? undefined : envIfAllowed("WARREN_PASSWORD");
  return await connect({
    ...address,
    ...username === undefined ? {} : { username },
    ...password === undefined ? {} : { password },
    ...vhost === undefined ? {} : { vhost },
  });
}

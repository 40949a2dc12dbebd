import { type Arguments, UsageError } from "./arguments.ts";
import { type ManagementAddress, ManagementClient } from "./management_client.ts";
import type { Terminal } from "./terminal.ts";

/** Where the management API is when nobody says. */
const DEFAULT_URL = "http://127.0.0.1:15672";

/** The names of the options by which the broker is found. */
export const MANAGEMENT_OPTION_NAMES: readonly string[] = [
  "url",
  "user",
  "password-file",
  "ca-file",
  "timeout",
];

/** How long an answer may take when nobody says, in seconds. */
const TIMEOUT_SECONDS = 60;

/** How they are used. */
export const MANAGEMENT_OPTIONS =
  `  --url URL          the broker's management API, also WARREN_URL in the environment
                     (default: ${DEFAULT_URL})
  --user NAME        who asks, also WARREN_USER (default: guest); a password is taken
                     from WARREN_PASSWORD, NAME:PASSWORD or URL (default: guest)
  --password-file FILE
                     the password is the first line of this
  --ca-file FILE     who may have signed the certificate of https://…, besides those whom
                     the machine trusts, also WARREN_CA_FILE
  --timeout SECONDS  how long an answer may take, or infinity (default: ${TIMEOUT_SECONDS}; of
                     definitions import: infinity)`;

/**
 * Finds the management API that arguments and environment name.
 *
 * @param usual How long an answer may take when nobody says, in seconds.
 */
export function managementClient(
  given: Arguments,
  terminal: Terminal,
  usual = TIMEOUT_SECONDS,
): ManagementClient {
  const timeout = readTimeout(given) ?? usual * 1000;
  const file = given.value("password-file");
  const address = managementAddress({
    url: given.value("url"),
    user: given.value("user"),
    caFile: given.value("ca-file"),
    ...file === undefined ? {} : { password: readPassword(file) },
  }, terminal);
  return new ManagementClient({ ...address, timeLeft: () => timeout });
}

/** Reads `--timeout`, in milliseconds. */
function readTimeout(given: Arguments): number | undefined {
  const text = given.value("timeout");
  if (text === undefined) return undefined;
  if (text === "infinity") return Infinity;
  const seconds = Number(text);
  if (/^\d*\.?\d+$/.test(text) && seconds > 0) return seconds * 1000;
  throw new UsageError(`--timeout takes seconds, or infinity, not '${text}'`);
}

/**
 * Where the management API is: as was asked for, else as the environment says.
 *
 * @throws {UsageError} When that is no address.
 */
export function managementAddress(
  given: {
    readonly url?: string | undefined;
    readonly user?: string | undefined;
    readonly caFile?: string | undefined;
    password?: string;
  },
  { envIfAllowed }: Pick<Terminal, "envIfAllowed">,
): ManagementAddress {
  const text = given.url ?? envIfAllowed("WARREN_URL") ?? DEFAULT_URL;
  const url = URL.parse(/^[\w+.-]+:\/\//.test(text) ? text : `http://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    // it may have a password in it
    throw new UsageError(`--url takes an address such as ${DEFAULT_URL}`);
  }
  const asked = given.user ?? (url.username === "" ? envIfAllowed("WARREN_USER") : undefined);
  const [, user = "", password] = /^([^:]*)(?::(.*))?$/s.exec(
    asked ?? (url.username === "" ? "guest" : decode(url.username)),
  ) ?? [];
  const caFile = given.caFile ?? envIfAllowed("WARREN_CA_FILE");
  return {
    ...caFile === undefined ? {} : { ca: readFile("ca-file", caFile) },
    url: `${url.protocol}//${url.host}${url.pathname.replace(/\/(?:api\/?)?$/, "")}`,
    user,
    password: given.password ?? password ??
      (asked === undefined && url.password !== "" ? decode(url.password) : undefined) ??
      envIfAllowed("WARREN_PASSWORD") ?? "guest",
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UsageError("--url has a user or a password that is not percent-encoded");
  }
}

function readPassword(file: string): string {
  return readFile("password-file", file).split(/\r?\n/, 1)[0]!;
}

function readFile(option: string, file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`cannot read --${option}: ${why}`);
  }
}

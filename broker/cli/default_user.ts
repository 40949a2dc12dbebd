import type { DefaultUser } from "../options.ts";
import { UsageError } from "./arguments.ts";
import type { ServeOptions } from "./serve_options.ts";
import type { Terminal } from "./terminal.ts";

/** Whose variables say who the first user is, most important first. RabbitMQ's image knows the last. */
const PREFIXES = ["WARREN", "RABBITMQ"];

/**
 * The user that a new broker begins with: what the arguments say, else the environment, as far as it may
 * be asked, else the configuration file.
 *
 * @throws {UsageError} When the password cannot be read, or there is none.
 */
export function readDefaultUser(
  { user, passwordFile, defaultUser = {} }: Pick<
    ServeOptions,
    "user" | "passwordFile" | "defaultUser"
  >,
  terminal: Pick<Terminal, "envIfAllowed">,
): DefaultUser | undefined {
  const variable = (name: string) => {
    const values = PREFIXES.map((prefix) => terminal.envIfAllowed(`${prefix}_DEFAULT_${name}`));
    return values.find((value) => value !== undefined && value !== "");
  };
  const name = user ?? variable("USER") ?? defaultUser.name;
  const password = passwordFile === undefined
    ? variable("PASS") ?? defaultUser.password
    : readPassword(passwordFile);
  const vhost = variable("VHOST") ?? defaultUser.vhost;
  if (name !== undefined && name !== "guest" && password === undefined) {
    throw new UsageError(
      `the user '${name}' needs a password: set WARREN_DEFAULT_PASS, or pass --user and --password-file`,
    );
  }
  const { tags, permissions } = defaultUser;
  const said = [name, password, vhost, tags, permissions].some((one) => one !== undefined);
  if (!said) return undefined;
  return {
    ...tags === undefined ? {} : { tags },
    ...permissions === undefined ? {} : { permissions },
    ...name === undefined ? {} : { name },
    ...password === undefined ? {} : { password },
    ...vhost === undefined ? {} : { vhost },
  };
}

function readPassword(file: string): string {
  let text: string;
  try {
    text = Deno.readTextFileSync(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`cannot read --password-file: ${why}`);
  }
  const [password] = text.split(/\r?\n/, 1);
  if (password === undefined || password === "") {
    throw new UsageError(`--password-file ${file} begins with no password`);
  }
  return password;
}

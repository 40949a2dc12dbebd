import type { DefaultUser } from "../options.ts";
import { FOREIGN, HARMLESS, HASHINGS, IGNORED, LEVELS, REFUSED, SAME } from "./config_keys.ts";
import { type ConfigLine, readConfigLines } from "./config_lines.ts";
import { takeListener } from "./config_listeners.ts";
import { ConfigLogins } from "./config_logins.ts";
import { ConfigOAuth } from "./config_oauth.ts";
import { ConfigSecrets } from "./config_secrets.ts";
import { ConfigTls } from "./config_tls.ts";
import { type FileOption, FileOptions } from "./file_options.ts";

/** What a file like RabbitMQ's `rabbitmq.conf` says. */
export interface ConfigFile {
  /** Options of `serve` that stand for its keys, with the line that each comes from. */
  readonly options: readonly FileOption[];
  /** The user that a new broker begins with. */
  readonly defaultUser: DefaultUser;
  /** What keys for TLS are encrypted with, by what their options begin with; it is nowhere in `options`. */
  readonly tlsKeyPassphrases: ReadonlyMap<string, string>;
  /** Users that are let in from this machine alone; undefined: as usual. */
  readonly loopbackUsers: readonly string[] | undefined;
  /** Keys that say nothing here, with their lines. */
  readonly ignored: readonly (readonly [key: string, line: number])[];
}

/**
 * Reads a file in the form of RabbitMQ's `rabbitmq.conf`: a key and a value on each line, `#` for
 * comments.
 *
 * @param text The file.
 * @param name What it is called, for errors.
 * @param secrets Reads values that are encrypted. Default: they cannot be read.
 * @throws {UsageError} At a line that makes no sense, or a key that is not known.
 */
export function readConfigFile(
  text: string,
  name: string,
  secrets: ConfigSecrets = new ConfigSecrets(),
): ConfigFile {
  const options = new FileOptions();
  const ignored: (readonly [key: string, line: number])[] = [];
  const logins = new ConfigLogins(secrets);
  const tls = new ConfigTls(secrets);
  const oauth = new ConfigOAuth();
  for (const line of readConfigLines(text, name)) {
    if (isHarmless(line)) continue;
    const taken = takeListener(line, options) || logins.take(line, options) || tls.take(line) ||
      oauth.take(line, options) || takeOption(line, options);
    if (!taken) ignored.push(ignore(line));
  }
  logins.finish(options);
  tls.finish(options);
  ignored.push(...oauth.finish(options));
  return {
    options: options.all,
    defaultUser: logins.defaultUser,
    tlsKeyPassphrases: tls.passphrases,
    loopbackUsers: logins.loopbackUsers,
    ignored,
  };
}

/** True for a line that says no more than what is so here anyway. */
function isHarmless({ key, value }: ConfigLine): boolean {
  return HARMLESS.some(([pattern, only]) => pattern.test(key) && value === only);
}

/** Takes a key that is an option of its own; false when it is none. */
function takeOption(line: ConfigLine, options: FileOptions): boolean {
  const { key, value } = line;
  switch (key) {
    case "disk_free_limit.relative":
      options.set("disk-free-limit", `${value}x`, line);
      return true;
    case "log.console.level":
    case "log.level":
    case "log.default.level":
      options.set("log-level", LEVELS[value] ?? value, line);
      return true;
    case "log.console.formatter":
      if (value !== "json" && value !== "plaintext") {
        throw line.fail(`${key} is plaintext or json, not '${value}'`);
      }
      options.set("log-format", value === "json" ? "json" : "text", line);
      return true;
    case "password_hashing_module":
      options.set("password-hashing", hashingOf(line), line);
      return true;
    case "definitions.import_backend":
      line.must("local_filesystem");
      return true;
  }
  if (!Object.hasOwn(SAME, key)) return false;
  options.set(SAME[key]!, value, line);
  return true;
}

function hashingOf(line: ConfigLine): string {
  const { key, value } = line;
  const hashing = HASHINGS[value];
  if (hashing !== undefined) return hashing;
  throw line.fail(`${key} is one of ${Object.keys(HASHINGS).join(", ")}, not '${value}'`);
}

/**
 * Passes over a key that says nothing here.
 *
 * @throws {UsageError} When it would, and is not obeyed, or is not known.
 */
function ignore(line: ConfigLine): readonly [key: string, line: number] {
  const { key } = line;
  if (IGNORED.test(key) || FOREIGN.test(key)) return [key, line.line];
  const refused = REFUSED.find(([pattern]) => pattern.test(key));
  throw line.fail(refused === undefined ? `unknown key '${key}'` : `${key}: ${refused[1]}`);
}

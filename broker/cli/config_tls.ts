import type { ConfigLine } from "./config_lines.ts";
import { TLS_PREFIXES } from "./config_keys.ts";
import type { ConfigSecrets } from "./config_secrets.ts";
import type { FileOptions } from "./file_options.ts";

/** What is said of TLS in one place, in several lines. */
interface TlsKeys {
  verify?: readonly [value: string, line: number];
  failIfNone?: boolean;
  oldest?: readonly [version: string, line: number];
}

/** The keys of TLS that are more than an option each. */
export class ConfigTls {
  /** By what the options of their place begin with. */
  readonly #places = new Map<string, TlsKeys>();
  /** What keys are encrypted with, in the same way. */
  readonly passphrases: Map<string, string> = new Map();
  readonly #secrets: ConfigSecrets;

  /** @param secrets Reads values that are encrypted. */
  constructor(secrets: ConfigSecrets) {
    this.#secrets = secrets;
  }

  /** Takes a key of TLS; false when it is none, or no more than an option. */
  take(line: ConfigLine): boolean {
    const { key } = line;
    const [, where = "", of] = /^(ssl_options|(?:management|prometheus)\.ssl)\.(.+)$/.exec(key) ??
      [];
    const prefix = TLS_PREFIXES[where];
    if (prefix === undefined || of === undefined) return false;
    const keys = this.#places.get(prefix) ?? {};
    this.#places.set(prefix, keys);
    if (of === "verify") keys.verify = [verifyOf(line), line.line];
    else if (of === "fail_if_no_peer_cert") keys.failIfNone = line.flag;
    else if (of === "password") this.passphrases.set(prefix, this.#secrets.read(line));
    else if (of.startsWith("versions.")) {
      const version = versionOf(line);
      if (keys.oldest === undefined || version < keys.oldest[0]) keys.oldest = [version, line.line];
    } else return false;
    return true;
  }

  /** Adds the options that all lines together are. */
  finish(options: FileOptions): void {
    for (const [prefix, { verify, failIfNone = false, oldest }] of this.#places) {
      if (oldest !== undefined) options.add(`${prefix}-min-version`, ...oldest);
      if (verify !== undefined) {
        const how = verify[0] === "verify_none" ? "no" : failIfNone ? "fail-if-none" : "yes";
        options.add(`${prefix}-verify-peer`, how, verify[1]);
      } else if (prefix !== "tls" && options.get(`${prefix}-ca`) !== undefined) {
        // as in RabbitMQ: a browser is not asked for a certificate unless somebody says so
        options.add(`${prefix}-verify-peer`, "no", 0);
      }
    }
  }
}

function verifyOf(line: ConfigLine): string {
  const { key, value } = line;
  if (value === "verify_peer" || value === "verify_none") return value;
  throw line.fail(`${key} is verify_peer or verify_none, not '${value}'`);
}

function versionOf(line: ConfigLine): string {
  const { key, value } = line;
  const version = /^tlsv(1\.[23])$/.exec(value)?.[1];
  if (version === undefined) throw line.fail(`${key} is tlsv1.2 or tlsv1.3, not '${value}'`);
  return version;
}

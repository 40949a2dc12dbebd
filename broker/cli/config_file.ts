import type { DefaultUser } from "../options.ts";
import { UsageError } from "./arguments.ts";
import { ConfigSecrets } from "./config_secrets.ts";
import {
  BACKENDS,
  FOREIGN,
  HARMLESS,
  HASHINGS,
  IGNORED,
  LEVELS,
  REFUSED,
  SAME,
  SEVERAL,
  TLS_PREFIXES,
} from "./config_keys.ts";

/** What a file like RabbitMQ's `rabbitmq.conf` says. */
export interface ConfigFile {
  /** Options of `serve` that stand for its keys, with the line that each comes from. */
  readonly options: readonly (readonly [option: string, value: string, line: number])[];
  /** The user that a new broker begins with. */
  readonly defaultUser: DefaultUser;
  /** What keys for TLS are encrypted with, by what their options begin with; it is nowhere in `options`. */
  readonly tlsKeyPassphrases: ReadonlyMap<string, string>;
  /** Users that are let in from this machine alone; undefined: as usual. */
  readonly loopbackUsers: readonly string[] | undefined;
  /** Keys that say nothing here, with their lines. */
  readonly ignored: readonly (readonly [key: string, line: number])[];
}

/** What is said of TLS in several lines. */
interface TlsKeys {
  verify?: readonly [value: string, line: number];
  failIfNone?: boolean;
  oldest?: readonly [version: string, line: number];
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
  const options: [string, string, number][] = [];
  const ignored: [string, number][] = [];
  const defaultUser: { name?: string; password?: string; vhost?: string } = {};
  const tags = new Map<string, boolean>();
  const permissions: Record<string, string> = {};
  const seen = new Map<string, string>();
  const mechanisms: string[] = [];
  const backends = new Map<"users" | "tokens", number>();
  let loopbackUsers: string[] | undefined;
  const certificateLogin: { from?: [value: string, line: number]; type?: string; index?: string } =
    {};
  const passphrases = new Map<string, string>();
  const tls = new Map<string, TlsKeys>();

  for (const [index, source] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const fail = (why: string) => new UsageError(`${name}:${line}: ${why}`);
    // what is in quotes may look like a comment
    const whole = /^[^#']*=\s*'[^']*'(?=\s*(?:#|$))/.exec(source)?.[0];
    const bare = (whole ?? source.replace(/(^|\s)#.*$/, "")).trim();
    if (bare === "") continue;
    const [, key = "", quoted] = /^([A-Za-z0-9_.-]+)\s*=\s*(.*)$/.exec(bare) ?? [];
    if (quoted === undefined) {
      // what follows may be a secret
      const [start] = /^[A-Za-z0-9_.-]*/.exec(bare)!;
      throw fail(`what begins with '${start}' is not 'key = value'`);
    }
    const value = /^'(.*)'$/.exec(quoted)?.[1] ?? quoted;
    /** Something that is fixed, and is said to be so. */
    const must = (only: string) => {
      if (value !== only) throw fail(`${key} can only be ${only}, not '${value}'`);
    };
    const flag = (): boolean => {
      if (value !== "true" && value !== "false") {
        throw fail(`${key} is true or false, not '${value}'`);
      }
      return value === "true";
    };
    const add = (option: string, text: string) => {
      const before = seen.get(option);
      if (before !== undefined && before !== text) {
        throw fail(`${key} says ${text}, and a line before it ${before}: there can be one`);
      }
      seen.set(option, text);
      if (before === undefined) options.push([option, text, line]);
    };

    const [, socket] = /^(?:unix|local):(.+?)(?::0)?$/.exec(value) ?? [];
    const [, where = "", of] = /^(ssl_options|(?:management|prometheus)\.ssl)\.(.+)$/.exec(key) ??
      [];
    const prefix = TLS_PREFIXES[where];
    const secure = prefix === undefined ? undefined : tls.get(prefix) ?? {};
    if (prefix !== undefined) tls.set(prefix, secure!);

    const [, protocol] = /^listeners\.(tcp|ssl)(?:\.[^.]+)?$/.exec(key) ?? [];
    if (key === "listeners.tcp" && value === "none") add("no-tcp", "true");
    else if (HARMLESS.some(([pattern, only]) => pattern.test(key) && value === only)) continue;
    else if (protocol === "tcp" && socket !== undefined) add("unix", socket);
    else if (protocol !== undefined) {
      const [, , host, port] = /^((?:\[?([0-9A-Za-z.:]+?)\]?):)?(\d+)$/.exec(value) ?? [];
      if (port === undefined) throw fail(`${key} takes a port, or an address and a port`);
      const prefix = protocol === "ssl" ? "tls-" : "";
      const first = seen.get(`${prefix}port`);
      if (first !== undefined && first !== port) options.push([`${prefix}listen`, value, line]);
      else {
        add(`${prefix}port`, port);
        if (host !== undefined) options.push([`${prefix}host`, host, line]);
      }
    } else if (key === "default_user") defaultUser.name = value;
    else if (key === "default_pass") defaultUser.password = secrets.read(key, value, fail);
    else if (key === "default_vhost") defaultUser.vhost = value;
    else if (/^default_permissions\.(configure|read|write)$/.test(key)) {
      permissions[key.slice("default_permissions.".length)] = value;
    } else if (key.startsWith("default_user_tags.")) {
      tags.set(key.slice("default_user_tags.".length), flag());
    } else if (key === "anonymous_login_user") {
      if (value !== "none") add("anonymous-user", value);
    } else if (key === "ssl_cert_login_from") certificateLogin.from = [value, line];
    else if (key === "ssl_cert_login_san_type") certificateLogin.type = value;
    else if (key === "ssl_cert_login_san_index") certificateLogin.index = value;
    else if (key === "disk_free_limit.relative") add("disk-free-limit", `${value}x`);
    else if (key === "loopback_users") {
      must("none");
      loopbackUsers = [];
    } else if (key.startsWith("loopback_users.")) {
      const user = key.slice("loopback_users.".length);
      loopbackUsers ??= ["guest"];
      loopbackUsers = loopbackUsers.filter((one) => one !== user);
      if (flag()) loopbackUsers.push(user);
    } else if (key.startsWith("auth_mechanisms.")) {
      mechanisms.push(value);
    } else if (secure !== undefined && of === "verify") {
      if (value !== "verify_peer" && value !== "verify_none") {
        throw fail(`${key} is verify_peer or verify_none, not '${value}'`);
      }
      secure.verify = [value, line];
    } else if (secure !== undefined && of === "fail_if_no_peer_cert") secure.failIfNone = flag();
    else if (prefix !== undefined && of === "password") {
      passphrases.set(prefix, secrets.read(key, value, fail));
    } else if (secure !== undefined && of?.startsWith("versions.")) {
      const version = /^tlsv(1\.[23])$/.exec(value)?.[1];
      if (version === undefined) throw fail(`${key} is tlsv1.2 or tlsv1.3, not '${value}'`);
      const { oldest } = secure;
      if (oldest === undefined || version < oldest[0]) secure.oldest = [version, line];
    } else if (/^auth_backends\.\d+(\.auth[nz])?$/.test(key)) {
      const backend = Object.hasOwn(BACKENDS, value) ? BACKENDS[value]! : undefined;
      if (backend === undefined) throw fail(`${key} is internal or oauth2, not '${value}'`);
      backends.set(backend, line);
    } else if (key === "auth_oauth2.additional_scopes_key") {
      for (const claim of value.split(" ").filter(Boolean)) {
        options.push(["oauth-scope-claim", claim, line]);
      }
    } else if (key === "auth_oauth2.verify_aud") {
      if (!flag()) options.push(["oauth-any-audience", "true", line]);
    } else if (SEVERAL.some(([pattern]) => pattern.test(key))) {
      const [pattern, option] = SEVERAL.find(([pattern]) => pattern.test(key))!;
      const [, id] = pattern.exec(key)!;
      options.push([option, id === undefined ? value : `${id}=${value}`, line]);
    } else if (key === "log.console.level") add("log-level", LEVELS[value] ?? value);
    else if (key === "log.console.formatter") {
      if (value !== "json" && value !== "plaintext") {
        throw fail(`${key} is plaintext or json, not '${value}'`);
      }
      add("log-format", value === "json" ? "json" : "text");
    } else if (key === "log.level" || key === "log.default.level") {
      add("log-level", LEVELS[value] ?? value);
    } else if (key === "password_hashing_module") {
      const hashing = HASHINGS[value];
      if (hashing === undefined) {
        throw fail(`${key} is one of ${Object.keys(HASHINGS).join(", ")}, not '${value}'`);
      }
      add("password-hashing", hashing);
    } else if (key === "definitions.import_backend") must("local_filesystem");
    else if (Object.hasOwn(SAME, key)) add(SAME[key]!, value);
    else if (IGNORED.test(key) || FOREIGN.test(key)) {
      ignored.push([key, line]);
    } else {
      const refused = REFUSED.find(([pattern]) => pattern.test(key));
      throw fail(refused === undefined ? `unknown key '${key}'` : `${key}: ${refused[1]}`);
    }
  }

  const login = certificateLogin.from;
  if (login !== undefined) {
    const { type = "dns", index = "0" } = certificateLogin;
    const isName = /^subject_alt(ernative)?_name$/.test(login[0]);
    const kind = type === "rfc822" ? "email" : type;
    options.push(["ssl-cert-login-from", isName ? `${kind}:${index}` : login[0], login[1]]);
  }
  if (mechanisms.length > 0) options.push(["auth-mechanisms", mechanisms.join(","), 0]);
  for (const [prefix, { verify, failIfNone = false, oldest }] of tls) {
    if (oldest !== undefined) options.push([`${prefix}-min-version`, ...oldest]);
    if (verify !== undefined) {
      const how = verify[0] === "verify_none" ? "no" : failIfNone ? "fail-if-none" : "yes";
      options.push([`${prefix}-verify-peer`, how, verify[1]]);
    } else if (prefix !== "tls" && seen.has(`${prefix}-ca`)) {
      // as in RabbitMQ: a browser is not asked for a certificate unless somebody says so
      options.push([`${prefix}-verify-peer`, "no", 0]);
    }
  }
  const alone = backends.has("users") ? undefined : backends.get("tokens");
  if (alone !== undefined) options.push(["oauth-only", "true", alone]);
  const tokens = options.filter(([option]) => option.startsWith("oauth-"));
  if (tokens.length > 0 && !backends.has("tokens")) {
    // as in RabbitMQ: nobody is let in by what only describes tokens
    ignored.push(["auth_oauth2 without auth_backends.1 = oauth2", tokens[0]![2]]);
    options.splice(0, Infinity, ...options.filter((one) => !tokens.includes(one)));
  }
  const firstUser = {
    ...defaultUser,
    ...tags.size === 0 ? {} : { tags: [...tags.keys()].filter((tag) => tags.get(tag)) },
    ...Object.keys(permissions).length === 0 ? {} : { permissions },
  };
  return {
    options,
    defaultUser: firstUser,
    tlsKeyPassphrases: passphrases,
    loopbackUsers,
    ignored,
  };
}

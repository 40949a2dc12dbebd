import type { DefaultUser } from "../options.ts";
import type { ConfigLine } from "./config_lines.ts";
import type { ConfigSecrets } from "./config_secrets.ts";
import type { FileOptions } from "./file_options.ts";

/** The keys that say who may log in, and how; those of tokens are in `config_oauth.ts`. */
export class ConfigLogins {
  readonly #user: { name?: string; password?: string; vhost?: string } = {};
  readonly #tags = new Map<string, boolean>();
  readonly #permissions: Record<string, string> = {};
  readonly #mechanisms: string[] = [];
  readonly #certificate: {
    from?: readonly [value: string, line: number];
    type?: string;
    index?: string;
  } = {};
  /** Users that are let in from this machine alone; undefined: as usual. */
  loopbackUsers: readonly string[] | undefined;
  readonly #secrets: ConfigSecrets;

  /** @param secrets Reads values that are encrypted. */
  constructor(secrets: ConfigSecrets) {
    this.#secrets = secrets;
  }

  /** Takes a key of logins; false when it is none. */
  take(line: ConfigLine, options: FileOptions): boolean {
    return this.#takeDefaultUser(line) || this.#takeLoopback(line) || this.#takeCertificate(line) ||
      this.#takeMechanism(line, options);
  }

  #takeDefaultUser(line: ConfigLine): boolean {
    const { key, value } = line;
    const [, permission] = /^default_permissions\.(configure|read|write)$/.exec(key) ?? [];
    const tag = after("default_user_tags.", key);
    if (key === "default_user") this.#user.name = value;
    else if (key === "default_pass") this.#user.password = this.#secrets.read(line);
    else if (key === "default_vhost") this.#user.vhost = value;
    else if (permission !== undefined) this.#permissions[permission] = value;
    else if (tag !== undefined) this.#tags.set(tag, line.flag);
    else return false;
    return true;
  }

  #takeLoopback(line: ConfigLine): boolean {
    const { key } = line;
    const user = after("loopback_users.", key);
    if (key === "loopback_users") {
      line.must("none");
      this.loopbackUsers = [];
    } else if (user !== undefined) {
      const others = (this.loopbackUsers ?? ["guest"]).filter((one) => one !== user);
      this.loopbackUsers = line.flag ? [...others, user] : others;
    } else return false;
    return true;
  }

  #takeCertificate({ key, value, line }: ConfigLine): boolean {
    if (key === "ssl_cert_login_from") this.#certificate.from = [value, line];
    else if (key === "ssl_cert_login_san_type") this.#certificate.type = value;
    else if (key === "ssl_cert_login_san_index") this.#certificate.index = value;
    else return false;
    return true;
  }

  #takeMechanism(line: ConfigLine, options: FileOptions): boolean {
    const { key, value } = line;
    if (key.startsWith("auth_mechanisms.")) this.#mechanisms.push(value);
    else if (key === "anonymous_login_user") {
      if (value !== "none") options.set("anonymous-user", value, line);
    } else return false;
    return true;
  }

  /** The user that a new broker begins with. */
  get defaultUser(): DefaultUser {
    const tags = this.#tags;
    const permissions = this.#permissions;
    return {
      ...this.#user,
      ...tags.size === 0 ? {} : { tags: [...tags.keys()].filter((tag) => tags.get(tag)) },
      ...Object.keys(permissions).length === 0 ? {} : { permissions },
    };
  }

  /** Adds the options that all lines together are. */
  finish(options: FileOptions): void {
    const { from, type = "dns", index = "0" } = this.#certificate;
    if (from !== undefined) {
      const isName = /^subject_alt(ernative)?_name$/.test(from[0]);
      const kind = type === "rfc822" ? "email" : type;
      options.add("ssl-cert-login-from", isName ? `${kind}:${index}` : from[0], from[1]);
    }
    const mechanisms = this.#mechanisms;
    if (mechanisms.length > 0) options.add("auth-mechanisms", mechanisms.join(","), 0);
  }
}

function after(prefix: string, key: string): string | undefined {
  return key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
}

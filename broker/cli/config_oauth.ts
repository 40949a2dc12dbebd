import type { ConfigLine } from "./config_lines.ts";
import { BACKENDS, SEVERAL } from "./config_keys.ts";
import type { FileOptions } from "./file_options.ts";

/** The keys that say whether tokens let somebody in, and which. */
export class ConfigOAuth {
  /** Who may let users in, with the line that says so. */
  readonly #backends = new Map<"users" | "tokens", number>();

  /** Takes a key of tokens; false when it is none, or no more than an option. */
  take(line: ConfigLine, options: FileOptions): boolean {
    const { key, value } = line;
    const several = SEVERAL.find(([pattern]) => pattern.test(key));
    if (/^auth_backends\.\d+(\.auth[nz])?$/.test(key)) {
      const backend = Object.hasOwn(BACKENDS, value) ? BACKENDS[value]! : undefined;
      if (backend === undefined) throw line.fail(`${key} is internal or oauth2, not '${value}'`);
      this.#backends.set(backend, line.line);
    } else if (key === "auth_oauth2.additional_scopes_key") {
      for (const claim of value.split(" ").filter(Boolean)) {
        options.add("oauth-scope-claim", claim, line.line);
      }
    } else if (key === "auth_oauth2.verify_aud") {
      if (!line.flag) options.add("oauth-any-audience", "true", line.line);
    } else if (several !== undefined) {
      const [pattern, option] = several;
      const [, id] = pattern.exec(key)!;
      options.add(option, id === undefined ? value : `${id}=${value}`, line.line);
    } else return false;
    return true;
  }

  /**
   * Adds the options that all lines together are.
   *
   * @returns What of them says nothing, with its line.
   */
  finish(options: FileOptions): (readonly [key: string, line: number])[] {
    const alone = this.#backends.has("users") ? undefined : this.#backends.get("tokens");
    if (alone !== undefined) options.add("oauth-only", "true", alone);
    const first = options.all.find(([option]) => option.startsWith("oauth-"));
    if (first === undefined || this.#backends.has("tokens")) return [];
    // as in RabbitMQ: nobody is let in by what only describes tokens
    options.drop("oauth-");
    return [["auth_oauth2 without auth_backends.1 = oauth2", first[2]]];
  }
}
